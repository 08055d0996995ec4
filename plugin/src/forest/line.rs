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
//! A point beyond a leaf's value is on the same side of every box around that leaf, so a tree's score belongs to one
//! direction as a whole, and its attribution costs nothing.
//!
//! The arrays here are derived from a tree and made anew when it has changed, if that is worth its while: a tree's sampler
//! knows when it will change again, and one that does so soon is walked down instead. Both ways lead to the same leaf and
//! the same fold, so to the same score to the bit.

use super::points::Points;
use super::score::Tables;
use super::tree::{Child, LEAF, Tree};

/// No node.
const NONE: Child = Child::MAX;

/// A leaf.
#[derive(Clone, Copy, Debug, Default)]
struct SortedLeaf {
    value: f32,
    depth: u16,
    mass: u16,
    /// Whether the leaf is a right child, and so the upper end of the boxes of which it is an end.
    is_upper: bool,
    /// Where the other ends of those boxes are, the lowest box first.
    from: u16,
    to: u16,
}

/// Cuts that are compared at once: a cache line, and four vectors of WebAssembly.
const BLOCK: usize = 16;

/// Cuts side by side, filled up with infinity.
type Cuts = [f32; BLOCK];

/// How many cuts lie below `x`.
#[inline]
fn below(cuts: &Cuts, x: f32) -> usize {
    cuts.iter().map(|&cut| u32::from(cut < x)).sum::<u32>() as usize
}

/// Records between two changes of a tree from which on sorting it costs less than walking down for each.
const WORTH_SORTING: u64 = 150;

/// How a tree is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    /// By its arrays.
    Sorted,
    /// By its arrays, which have to be made first.
    Unsorted,
    /// From the root down.
    Walk,
}

/// The sorted view of all trees of a forest over one coordinate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Blocks of cuts for each tree, and blocks of their last cuts.
    blocks: usize,
    groups: usize,
    /// Sorted cuts of each tree.
    cuts: Vec<Cuts>,
    /// The last cut of each block. That of a tree's last block is infinity: there is one cut less than leaves.
    lasts: Vec<Cuts>,
    /// Leaves of each tree in the order of their values.
    places: Vec<SortedLeaf>,
    /// Of each tree's boxes, the ends that their leaves don't know: each node has one for its lower, one for its upper end.
    ends: Vec<f32>,
    /// Points of each tree.
    masses: Vec<u16>,
    searches: Vec<Search>,
    /// Scratch: nodes whose right side is still to be visited, with their depth.
    open: Vec<(Child, u16)>,
    /// Scratch: for each node the one of which it is the right child.
    over: Vec<Child>,
    /// Scratch: the nodes of a walk.
    path: Vec<Child>,
}

impl Line {
    pub(crate) fn new(trees: usize, capacity: u16) -> Self {
        let blocks = usize::from(capacity).div_ceil(BLOCK);
        let groups = blocks.div_ceil(BLOCK);
        let places = trees * blocks * BLOCK;
        Line {
            blocks,
            groups,
            cuts: vec![[f32::INFINITY; BLOCK]; trees * blocks],
            lasts: vec![[f32::INFINITY; BLOCK]; trees * groups],
            places: vec![SortedLeaf::default(); places],
            ends: vec![0.0; 2 * places],
            masses: vec![0; trees],
            searches: vec![Search::Walk; trees],
            open: Vec::new(),
            over: vec![NONE; blocks * BLOCK],
            path: vec![NONE; blocks * BLOCK],
        }
    }

    /// Places for each tree.
    fn width(&self) -> usize {
        self.blocks * BLOCK
    }

    /// Notes that a tree has changed, and that it will again after so many records.
    pub(crate) fn touch(&mut self, tree: usize, lasts: u64) {
        self.searches[tree] = if lasts > WORTH_SORTING { Search::Unsorted } else { Search::Walk };
    }

    /// The score of `x` in one tree: what it owes to lying above, and below. `DIRECTED` says whether the split matters
    /// for a point that the tree holds.
    #[inline]
    pub(crate) fn score<const DIRECTED: bool>(
        &mut self,
        index: usize,
        tree: &Tree,
        points: &Points,
        tables: &Tables,
        x: f32,
    ) -> (f64, f64) {
        match self.searches[index] {
            Search::Sorted => {}
            Search::Unsorted => {
                self.searches[index] = Search::Sorted;
                self.sort(index, tree, points);
            }
            Search::Walk => return self.walk(tree, points, tables, x),
        }
        self.search::<DIRECTED>(index, tables, x)
    }

    /// Visits the tree from left to right.
    #[inline(never)]
    fn sort(&mut self, index: usize, tree: &Tree, points: &Points) {
        let range = index * self.width()..(index + 1) * self.width();
        let blocks = &mut self.cuts[index * self.blocks..(index + 1) * self.blocks];
        let lasts = &mut self.lasts[index * self.groups..(index + 1) * self.groups];
        let cuts = blocks.as_flattened_mut();
        let ends = &mut self.ends[2 * range.start..2 * range.end];
        let places = &mut self.places[range];
        let (mut count, mut to) = (0, 0);
        self.open.clear();
        // `over`: the node of which `at` is the right child.
        let (mut at, mut depth, mut over) = (tree.root, 0, NONE);
        loop {
            let (from, first, is_upper) = (to, self.open.len(), at & LEAF != 0);
            while at & LEAF == 0 {
                self.over[usize::from(at)] = over;
                self.open.push((at, depth));
                (at, depth, over) = (tree.nodes[usize::from(at)].children[0], depth + 1, NONE);
            }
            for &(node, _) in self.open[first..].iter().rev() {
                ends[to] = tree.interval_of(node).1;
                to += 1;
            }
            while over != NONE {
                ends[to] = tree.interval_of(over).0;
                to += 1;
                over = self.over[usize::from(over)];
            }
            let leaf = tree.leaves[usize::from(at & !LEAF)];
            places[count] = SortedLeaf {
                value: points.get(leaf.point)[0],
                depth,
                mass: leaf.mass,
                is_upper,
                from: from as u16,
                to: to as u16,
            };
            let Some((node, above)) = self.open.pop() else { break };
            cuts[count] = tree.nodes[usize::from(node)].cut;
            count += 1;
            (at, depth, over) = (tree.nodes[usize::from(node)].children[1], above + 1, node);
        }
        cuts[count..].fill(f32::INFINITY);
        for (last, block) in lasts.as_flattened_mut().iter_mut().zip(blocks) {
            *last = block[BLOCK - 1];
        }
        self.masses[index] = tree.mass();
    }

    /// The score by the arrays.
    #[inline]
    fn search<const DIRECTED: bool>(&self, index: usize, tables: &Tables, x: f32) -> (f64, f64) {
        let lasts = &self.lasts[index * self.groups..(index + 1) * self.groups];
        let block: usize = lasts.iter().map(|lasts| below(lasts, x)).sum();
        let start = index * self.width();
        let at = start + block * BLOCK + below(&self.cuts[index * self.blocks + block], x);
        let place = &self.places[at];
        let ends = self.ends[2 * start + usize::from(place.from)..2 * start + usize::from(place.to)].iter().copied();
        let mass = self.masses[index];
        if x != place.value {
            return unequal(place, ends, mass, tables, x);
        }
        if !DIRECTED {
            return (tables.seen(usize::from(place.depth), place.mass, mass) * tables.normaliser(mass), 0.0);
        }
        // Beyond the ends the point itself, which no box asks for.
        let neighbour = if place.is_upper { at.wrapping_sub(1) } else { at + 1 };
        equal(place, ends, mass, tables, self.places.get(neighbour).map_or(x, |place| place.value))
    }

    /// The score by way of the nodes.
    #[inline(never)]
    fn walk(&mut self, tree: &Tree, points: &Points, tables: &Tables, x: f32) -> (f64, f64) {
        let (mut at, mut depth, mut is_upper) = (tree.root, 0, true);
        while at & LEAF == 0 {
            let node = &tree.nodes[usize::from(at)];
            self.path[depth] = at;
            depth += 1;
            is_upper = node.cut < x;
            at = node.children[usize::from(is_upper)];
        }
        let leaf = tree.leaves[usize::from(at & !LEAF)];
        let value = points.get(leaf.point)[0];
        let place = SortedLeaf { value, depth: depth as u16, mass: leaf.mass, is_upper, ..SortedLeaf::default() };
        let path = self.path[..depth].iter().rev();
        let same = path.take_while(|node| (tree.nodes[usize::from(**node)].cut < x) == is_upper);
        let ends = same.map(|node| {
            let (low, high) = tree.interval_of(*node);
            if is_upper { low } else { high }
        });
        if x != value {
            return unequal(&place, ends, tree.mass(), tables, x);
        }
        // The leaf's own parent has the neighbour on that side: the near end of the leaf's sibling.
        let neighbour = self.path[..depth].last().map_or(x, |parent| {
            let sibling = tree.nodes[usize::from(*parent)].children[usize::from(!is_upper)];
            let (low, high) = tree.interval(sibling, 0, points, 1);
            if is_upper { high } else { low }
        });
        equal(&place, ends, tree.mass(), tables, neighbour)
    }
}

/// The score of `x`, whose place is at a leaf with another value, folded upwards.
#[inline]
fn unequal(place: &SortedLeaf, ends: impl Iterator<Item = f32>, tree_mass: u16, tables: &Tables, x: f32) -> (f64, f64) {
    let value = f64::from(place.value);
    let mut depth = usize::from(place.depth);
    let mut score = tables.unseen(depth);
    let is_above = x > place.value;
    if is_above == place.is_upper {
        let beyond = (f64::from(x) - value).abs();
        for end in ends {
            depth -= 1;
            let p = beyond / (beyond + (value - f64::from(end)).abs());
            score += p * (tables.unseen(depth) - score);
        }
    }
    score *= tables.normaliser(tree_mass);
    if is_above { (score, 0.0) } else { (0.0, score) }
}

/// The score of a point that the tree holds. Which share of it the point owes to lying above is told as if the tree did
/// not hold it: by the boxes of what else lies below each ancestor, until such a box holds the point. `neighbour` is the
/// value of the leaf next to it on the side of the other ends.
#[inline]
fn equal(
    place: &SortedLeaf,
    ends: impl Iterator<Item = f32>,
    tree_mass: u16,
    tables: &Tables,
    neighbour: f32,
) -> (f64, f64) {
    let base = tables.seen(usize::from(place.depth), place.mass, tree_mass);
    let (mut side, mut other) = (0.5, 0.5);
    let mut depth = usize::from(place.depth);
    let value = f64::from(place.value);
    // The point is one end of the boxes; its neighbour is that end of each box without it.
    let beyond = (value - f64::from(neighbour)).abs();
    for end in ends {
        depth -= 1;
        let p = beyond / (value - f64::from(end)).abs();
        side += p * (tables.unseen(depth) / base - side);
        other -= p * other;
    }
    let share = side / (side + other);
    let score = base * tables.normaliser(tree_mass);
    let share = if place.is_upper { share } else { 1.0 - share };
    (score * share, score - score * share)
}
