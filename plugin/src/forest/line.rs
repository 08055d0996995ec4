//! Scoring points with one coordinate, the commonest case (the bytes of a flow), without walking down the trees.
//!
//! In one dimension a tree's cuts, read from left to right, part its leaves, read from left to right, so the leaf to
//! which a point belongs is as many leaves to the right as there are cuts below the point. They are counted in two steps,
//! sixteen at a time: first the last cuts of all blocks, then the cuts of one block. That takes no branch that a processor
//! could guess wrong, and only one step waits for another. From the leaf the score is folded upwards, as its definition
//! in [`score`](super::score) reads, and the fold ends at the first box that holds the point. Those before it, seldom more
//! than three, all have the leaf's value as the one end, so their other ends are all that has to be known of them. A leaf
//! that is a right child is the upper end of such boxes and never the lower of any, and the other way round.
//!
//! A place holds a leaf with the first few of these ends, filled up with infinity: the probability that a cut falls beyond
//! an infinite box is 0, and a step of the fold with it changes nothing, to the bit. So the fold has no branch either. The
//! few leaves with more ends are folded by way of the nodes, in the same steps.
//!
//! A point beyond a leaf's value is on the same side of every box around that leaf, so a tree's score belongs to one
//! direction as a whole, and its attribution costs nothing.
//!
//! The arrays here are derived from the trees and follow each of their changes: what moves is the places right of the
//! change, and what changes besides is the depth of the leaves below it and the ends of the boxes that begin or end there.

use super::points::Points;
use super::score::Tables;
use super::tree::{Child, LEAF, Tree};

/// Cuts that are compared at once: a cache line, and four vectors of WebAssembly.
const BLOCK: usize = 16;

/// Cuts side by side, filled up with infinity.
type Cuts = [f32; BLOCK];

/// Ends of boxes that are taken in one step, and steps that a place holds.
pub(crate) const STEP: usize = 2;
const STEPS: usize = 3;

/// Steps that nearly all places are done with.
const FEW: usize = 2;

/// A leaf: half a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
struct Place {
    value: f32,
    /// The other ends of the boxes of which the value is one end, the lowest box first, then infinity.
    ends: [[f32; STEP]; STEPS],
    mass: u16,
    /// The depth, and flags.
    bits: u16,
}

/// Whether the leaf is a right child, and so the upper end of the boxes of which it is an end.
const UPPER: u16 = 1 << 15;

/// Whether there are more such boxes than a place holds.
const MORE: u16 = 1 << 14;

impl Place {
    const EMPTY: Place = Place { value: 0.0, ends: [[f32::INFINITY; STEP]; STEPS], mass: 0, bits: 0 };

    /// The leaf `at`, of which the ends are not known yet.
    fn new(tree: &Tree, points: &Points, at: Child, depth: usize, side: usize) -> Place {
        let leaf = tree.leaves[usize::from(at & !LEAF)];
        let upper = if side == 1 { UPPER } else { 0 };
        Place { value: points.get(leaf.point)[0], mass: leaf.mass, bits: depth as u16 | upper, ..Place::EMPTY }
    }

    #[inline]
    fn depth(&self) -> usize {
        usize::from(self.bits & (MORE - 1))
    }

    #[inline]
    fn is_upper(&self) -> bool {
        self.bits & UPPER != 0
    }

    #[inline]
    fn has_more(&self) -> bool {
        self.bits & MORE != 0
    }

    /// Sets the other end of the box at a depth.
    fn set(&mut self, depth: usize, end: f32) {
        let index = self.depth().wrapping_sub(depth + 1);
        match self.ends.as_flattened_mut().get_mut(index) {
            Some(place) => *place = end,
            None => self.bits |= MORE,
        }
    }

    /// Leaves only the ends of the boxes from a depth on downwards.
    fn forget_above(&mut self, depth: usize) {
        let kept = self.depth().saturating_sub(depth);
        let ends = self.ends.as_flattened_mut();
        if kept <= ends.len() {
            ends[kept..].fill(f32::INFINITY);
            self.bits &= !MORE;
        }
    }
}

/// How many cuts lie below `x`.
#[inline(always)]
fn below(cuts: &Cuts, x: f32) -> usize {
    cuts.iter().map(|&cut| u32::from(cut < x)).sum::<u32>() as usize
}

/// The sorted view of all trees of a forest over one coordinate.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// Blocks of cuts for each tree, and blocks of their last cuts.
    blocks: usize,
    groups: usize,
    /// Sorted cuts of each tree.
    cuts: Vec<Cuts>,
    /// The last cut of each block. That of a tree's last block is infinity: there is one cut less than leaves.
    lasts: Vec<Cuts>,
    /// Leaves of each tree in the order of their values.
    places: Vec<Place>,
    /// Leaves, and points, of each tree.
    counts: Vec<usize>,
    masses: Vec<u16>,
    /// Scratch: where a point belongs in each tree, and its score there, by direction.
    at: Vec<usize>,
    found: Vec<Place>,
    sides: Vec<[f64; 2]>,
    /// Scratch: trees that hold the point, or have more ends there than a place.
    odd: Vec<u32>,
    /// Of each tree a place that cannot hold all ends of the boxes around it, with all of them.
    long: Vec<Long>,
}

/// All ends of the boxes of which the value at a place is one end, as places hold the first of them. Small values lie at the first
/// place of a tree, which is one end of boxes up to its root: they are as good as always at the same one.
#[derive(Clone, Debug, Default, PartialEq)]
struct Long {
    /// Which place; none while it is not known.
    at: Option<usize>,
    ends: Vec<f32>,
}

impl Long {
    /// The ends for the place of `x`.
    #[inline]
    fn of(&mut self, at: usize, tree: &Tree, x: f32) -> &[[f32; STEP]] {
        if self.at != Some(at) {
            self.at = Some(at);
            self.find(tree, x);
        }
        self.ends.as_chunks().0
    }

    #[cold]
    #[inline(never)]
    fn find(&mut self, tree: &Tree, x: f32) {
        let ends = &mut self.ends;
        ends.clear();
        let (mut at, mut is_upper) = (tree.root, true);
        while at & LEAF == 0 {
            let node = &tree.nodes[usize::from(at)];
            if (x > node.cut) != is_upper {
                is_upper = !is_upper;
                ends.clear();
            }
            let (low, high) = tree.interval_of(at);
            ends.push(if is_upper { low } else { high });
            at = node.children[usize::from(is_upper)];
        }
        ends.reverse();
        ends.resize(ends.len().next_multiple_of(STEP), f32::INFINITY);
    }
}

impl Line {
    pub(crate) fn new(trees: usize, capacity: u16) -> Self {
        let blocks = usize::from(capacity).div_ceil(BLOCK);
        let groups = blocks.div_ceil(BLOCK);
        Line {
            blocks,
            groups,
            cuts: vec![[f32::INFINITY; BLOCK]; trees * blocks],
            lasts: vec![[f32::INFINITY; BLOCK]; trees * groups],
            places: vec![Place::EMPTY; trees * blocks * BLOCK],
            counts: vec![0; trees],
            masses: vec![0; trees],
            at: vec![0; trees],
            found: vec![Place::EMPTY; trees],
            sides: vec![[0.0; 2]; trees],
            odd: vec![0; trees + 1],
            long: vec![Long::default(); trees],
        }
    }

    /// The view of one tree.
    fn row(&mut self, index: usize, tree: &Tree) -> Row<'_> {
        self.masses[index] = tree.mass();
        self.long[index].at = None;
        let width = self.blocks * BLOCK;
        Row {
            cuts: &mut self.cuts[index * self.blocks..(index + 1) * self.blocks],
            lasts: &mut self.lasts[index * self.groups..(index + 1) * self.groups],
            places: &mut self.places[index * width..(index + 1) * width],
            count: &mut self.counts[index],
        }
    }

    /// Takes over a tree as it is.
    pub(crate) fn build(&mut self, index: usize, tree: &Tree, points: &Points) {
        let mut row = self.row(index, tree);
        let (mut open, mut nodes) = (Vec::new(), Vec::new());
        let (mut at, mut depth, mut side) = (tree.root, 0, 1);
        if tree.is_empty() {
            return;
        }
        let cuts = row.cuts.as_flattened_mut();
        loop {
            while at & LEAF == 0 {
                open.push((at, depth));
                (at, depth, side) = (tree.nodes[usize::from(at)].children[0], depth + 1, 0);
            }
            row.places[*row.count] = Place::new(tree, points, at, depth, side);
            *row.count += 1;
            let Some((node, above)) = open.pop() else { break };
            nodes.push((node, above));
            cuts[*row.count - 1] = tree.nodes[usize::from(node)].cut;
            (at, depth, side) = (tree.nodes[usize::from(node)].children[1], above + 1, 1);
        }
        row.find_lasts(0);
        for (node, depth) in nodes {
            row.link(tree, node, depth);
        }
    }

    /// Follows the insertion of `x` into a tree. `path` leads to what was put there.
    pub(crate) fn inserted(&mut self, index: usize, tree: &Tree, points: &Points, x: f32, path: &[(Child, usize)]) {
        let mut row = self.row(index, tree);
        let at = tree.at(path);
        let rank = row.rank(x);
        if *row.count == 0 {
            row.places[0] = Place::new(tree, points, at, 0, 1);
            *row.count = 1;
            return;
        }
        if at & LEAF != 0 {
            row.places[rank].mass = tree.leaves[usize::from(at & !LEAF)].mass;
            return;
        }
        let node = &tree.nodes[usize::from(at)];
        let side = usize::from(x > node.cut);
        let old = node.children[1 - side];
        let depth = path.len();
        for at in row.range(tree, points, old) {
            row.places[at].bits += 1;
        }
        row.unlink(tree, points, old, depth + 1, 1 - side);
        row.insert(rank, side, node.cut, Place::new(tree, points, node.children[side], depth + 1, side));
        row.link(tree, at, depth);
        row.link_above(tree, points, at, path);
    }

    /// Follows the removal of `x` from a tree. `path` leads to what has moved up in its place, or to its leaf if that is
    /// still there.
    pub(crate) fn removed(&mut self, index: usize, tree: &Tree, points: &Points, x: f32, path: &[(Child, usize)]) {
        let mut row = self.row(index, tree);
        let rank = row.rank(x);
        if tree.is_empty() {
            row.places[0] = Place::EMPTY;
            *row.count = 0;
            return;
        }
        let at = tree.at(path);
        let (low, _) = tree.interval(at, 0, points, 1);
        if low == x && at & LEAF != 0 {
            row.places[rank].mass = tree.leaves[usize::from(at & !LEAF)].mass;
            return;
        }
        row.remove(rank, usize::from(low < x));
        for at in row.range(tree, points, at) {
            row.places[at].bits -= 1;
        }
        row.unlink(tree, points, at, path.len(), path.last().map_or(1, |&(_, side)| side));
        row.link_above(tree, points, at, path);
    }

    /// The score of `x`, summed over the trees: what it owes to lying above, and below. `DIRECTED` says whether the split
    /// matters for points that a tree holds.
    ///
    /// The places lie far apart and seldom in a cache, so all are fetched before the first is looked at: then one does not
    /// wait for another.
    pub(crate) fn score<const DIRECTED: bool>(&mut self, trees: &[Tree], tables: &Tables, x: f32) -> (f64, f64) {
        let rows = self.cuts.chunks_exact(self.blocks).zip(self.lasts.chunks_exact(self.groups));
        for ((cuts, lasts), at) in rows.zip(&mut self.at) {
            *at = rank(lasts, cuts, x);
        }
        let rows = self.places.chunks_exact(self.blocks * BLOCK).zip(&self.at);
        for ((places, &at), found) in rows.zip(&mut self.found) {
            *found = places[at];
        }
        let mut odd = 0;
        let found = self.found.iter().zip(&mut self.sides).zip(&self.masses).enumerate();
        for (index, ((place, sides), &mass)) in found {
            self.odd[odd] = index as u32;
            odd += usize::from((place.ends[FEW][0] < f32::INFINITY) | (place.value == x));
            *sides = [0.0; 2];
            sides[usize::from(x < place.value)] =
                unequal(place, &place.ends[..FEW], tables, x) * tables.normaliser(mass);
        }
        for &index in &self.odd[..odd] {
            let index = index as usize;
            let (place, at, mass) = (&self.found[index], self.at[index], self.masses[index]);
            let normaliser = tables.normaliser(mass);
            if x != place.value {
                if (x > place.value) == place.is_upper() {
                    let (long, tree) = (&mut self.long[index], &trees[index]);
                    let ends = if place.has_more() { long.of(at, tree, x) } else { &place.ends };
                    self.sides[index][usize::from(x < place.value)] = unequal(place, ends, tables, x) * normaliser;
                }
                continue;
            }
            let base = tables.seen(place.depth(), place.mass, mass);
            let share = if DIRECTED {
                // Beyond the ends the point itself, which no box asks for.
                let beside = if place.is_upper() { at.wrapping_sub(1) } else { at + 1 };
                let neighbour = self.places[index * self.blocks * BLOCK..].get(beside).map_or(x, |place| place.value);
                let (long, tree) = (&mut self.long[index], &trees[index]);
                let ends = if place.has_more() { long.of(at, tree, x) } else { &place.ends };
                share_above(place, ends, tables, base, neighbour)
            } else {
                1.0
            };
            let score = base * normaliser;
            self.sides[index] = [score * share, score - score * share];
        }
        self.sides.iter().fold((0.0, 0.0), |(above, below), side| (above + side[0], below + side[1]))
    }
}

/// In how many cuts `x` lies above, and so the place of its leaf.
#[inline(always)]
fn rank(lasts: &[Cuts], cuts: &[Cuts], x: f32) -> usize {
    let block: usize = lasts.iter().map(|lasts| below(lasts, x)).sum();
    block * BLOCK + below(&cuts[block], x)
}

/// The view of one tree, to be changed.
struct Row<'a> {
    cuts: &'a mut [Cuts],
    lasts: &'a mut [Cuts],
    places: &'a mut [Place],
    count: &'a mut usize,
}

impl Row<'_> {
    fn rank(&self, x: f32) -> usize {
        rank(self.lasts, self.cuts, x)
    }

    /// Notes the last cuts of the blocks from that of a cut on.
    fn find_lasts(&mut self, cut: usize) {
        let blocks = self.cuts.iter().zip(self.lasts.as_flattened_mut()).skip(cut / BLOCK);
        blocks.for_each(|(block, last)| *last = block[BLOCK - 1]);
    }

    /// Puts a leaf, `side` of it being 1, to the right of a new cut at `rank`, or to the left.
    fn insert(&mut self, rank: usize, side: usize, cut: f32, leaf: Place) {
        let count = *self.count;
        let cuts = self.cuts.as_flattened_mut();
        cuts.copy_within(rank..count - 1, rank + 1);
        cuts[rank] = cut;
        self.find_lasts(rank);
        self.places.copy_within(rank + side..count, rank + side + 1);
        self.places[rank + side] = leaf;
        *self.count += 1;
    }

    /// Takes out the leaf at `rank`, with the cut to the left of it if `side` is 1, or to the right.
    fn remove(&mut self, rank: usize, side: usize) {
        let count = *self.count;
        let cuts = self.cuts.as_flattened_mut();
        cuts.copy_within(rank - side + 1..count - 1, rank - side);
        cuts[count - 2] = f32::INFINITY;
        self.find_lasts(rank - side);
        self.places.copy_within(rank + 1..count, rank);
        self.places[count - 1] = Place::EMPTY;
        *self.count -= 1;
    }

    /// The places of the leaves below a node.
    fn range(&self, tree: &Tree, points: &Points, at: Child) -> std::ops::RangeInclusive<usize> {
        let (low, high) = tree.interval(at, 0, points, 1);
        self.rank(low)..=self.rank(high)
    }

    /// Makes the leaves at both ends of a subtree forget the boxes around it. Its root is at `depth` and on this side of
    /// its parent.
    fn unlink(&mut self, tree: &Tree, points: &Points, at: Child, depth: usize, side: usize) {
        let range = self.range(tree, points, at);
        let (first, last) = range.into_inner();
        if at & LEAF != 0 {
            self.places[first].bits = self.places[first].bits & !UPPER | if side == 1 { UPPER } else { 0 };
        }
        self.places[first].forget_above(depth);
        self.places[last].forget_above(depth);
    }

    /// Tells the leaves at both ends of a node's box its other end.
    fn link(&mut self, tree: &Tree, node: Child, depth: usize) {
        let (low, high) = tree.interval_of(node);
        let (first, last) = (self.rank(low), self.rank(high));
        self.places[first].set(depth, high);
        self.places[last].set(depth, low);
    }

    /// Does so for the nodes on the path to a subtree whose boxes begin or end in it.
    fn link_above(&mut self, tree: &Tree, points: &Points, at: Child, path: &[(Child, usize)]) {
        let (low, high) = tree.interval(at, 0, points, 1);
        for (depth, &(node, _)) in path.iter().enumerate().rev() {
            let ends = tree.interval_of(node);
            if ends.0 != low && ends.1 != high {
                break;
            }
            self.link(tree, node, depth);
        }
    }
}

/// The score of `x`, whose place is at a leaf with another value, folded upwards.
#[inline(always)]
fn unequal(place: &Place, ends: &[[f32; STEP]], tables: &Tables, x: f32) -> f64 {
    let (value, mut depth) = (f64::from(place.value), place.depth());
    // 0 for a point on the side on which the leaf is no end. By bits, since a choice between two floating-point numbers is a
    // branch in compiled WebAssembly, and half the time a wrong guess.
    let sign = u64::from(place.bits & UPPER ^ UPPER) << 48;
    let beyond = ((f64::from(x) - value).to_bits() ^ sign) as i64;
    let beyond = f64::from_bits((beyond & !(beyond >> 63)) as u64);
    let mut score = tables.unseen(depth);
    for ends in ends {
        let apart = ends.map(|end| beyond / (beyond + (value - f64::from(end)).abs()));
        for (p, unseen) in apart.into_iter().zip(tables.above(depth).iter().rev()) {
            score += p * (unseen - score);
        }
        depth = depth.saturating_sub(STEP);
    }
    score
}

/// Which share of its score `base` a point that the tree holds owes to lying above. That is told as if the tree did not
/// hold it: by the boxes of what else lies below each ancestor, until such a box holds the point. `neighbour` is the value
/// of the leaf next to it on the side of the other ends.
#[inline]
fn share_above(place: &Place, ends: &[[f32; STEP]], tables: &Tables, base: f64, neighbour: f32) -> f64 {
    let (value, mut depth) = (f64::from(place.value), place.depth());
    let (mut side, mut other) = (0.5, 0.5);
    // The point is one end of the boxes; its neighbour is that end of each box without it.
    let beyond = (value - f64::from(neighbour)).abs();
    for ends in ends {
        let apart = ends.map(|end| beyond / (value - f64::from(end)).abs());
        for (p, unseen) in apart.into_iter().zip(tables.above(depth).iter().rev()) {
            side += p * (unseen / base - side);
            other -= p * other;
        }
        depth = depth.saturating_sub(STEP);
    }
    let share = side / (side + other);
    if place.is_upper() { share } else { 1.0 - share }
}
