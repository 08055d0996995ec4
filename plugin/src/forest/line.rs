//! Scoring points with one coordinate, the commonest case (the bytes of a flow), without walking down the trees.
//!
//! In one dimension a tree's cuts, read from left to right, part its leaves, read from left to right, so the leaf to
//! which a point belongs is found by a binary search over the sorted cuts. It always takes the same few steps and no
//! branch that a processor could guess wrong. From the leaf the score is folded upwards, as its definition in
//! [`score`](super::score) reads, and the fold ends at the first box that holds the point, which is seldom more than
//! three nodes away.
//!
//! A point beyond a leaf's value is on the same side of every box around that leaf, so a tree's score belongs to one
//! direction as a whole, and its attribution costs nothing.
//!
//! The arrays here are derived from a tree and made anew when it has changed. Late in a stream that is about once in
//! `time_decay` / (`sub_sample_size` · `number_of_trees`) records.

use super::points::Points;
use super::score::Tables;
use super::tree::{Child, LEAF, Tree};

/// No node above: the parent of the root.
const NONE: Child = Child::MAX;

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    value: f32,
    depth: u16,
    mass: u16,
    parent: Child,
}

/// The sorted view of all trees of a forest over one coordinate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Places for each tree: the capacity, rounded up to a power of two.
    width: usize,
    /// Sorted cuts of each tree, filled up with infinity.
    cuts: Vec<f32>,
    /// Leaves of each tree in the order of their values.
    places: Vec<Place>,
    /// The parent of each node of each tree.
    parents: Vec<Child>,
    stale: Vec<bool>,
    /// Scratch: nodes whose right side is still to be visited, with their depth.
    open: Vec<(Child, u16)>,
}

impl Line {
    pub(crate) fn new(trees: usize, capacity: u16) -> Self {
        let width = usize::from(capacity).next_power_of_two();
        Line {
            width,
            cuts: vec![f32::INFINITY; trees * width],
            places: vec![Place::default(); trees * width],
            parents: vec![NONE; trees * width],
            stale: vec![true; trees],
            open: Vec::new(),
        }
    }

    /// Notes that a tree has changed.
    pub(crate) fn touch(&mut self, tree: usize) {
        self.stale[tree] = true;
    }

    /// Brings the arrays up to date.
    pub(crate) fn refresh(&mut self, trees: &[Tree], points: &Points) {
        for (index, tree) in trees.iter().enumerate() {
            if std::mem::replace(&mut self.stale[index], false) {
                self.sort(index, tree, points);
            }
        }
    }

    /// Visits the tree from left to right.
    fn sort(&mut self, index: usize, tree: &Tree, points: &Points) {
        let range = index * self.width..(index + 1) * self.width;
        let cuts = &mut self.cuts[range.clone()];
        let places = &mut self.places[range.clone()];
        let parents = &mut self.parents[range];
        let mut count = 0;
        self.open.clear();
        let (mut at, mut parent, mut depth) = (tree.root, NONE, 0);
        loop {
            while at & LEAF == 0 {
                parents[usize::from(at)] = parent;
                self.open.push((at, depth));
                (parent, at, depth) = (at, tree.nodes[usize::from(at)].children[0], depth + 1);
            }
            let leaf = tree.leaves[usize::from(at & !LEAF)];
            places[count] = Place { value: points.get(leaf.point)[0], depth, mass: leaf.mass, parent };
            let Some((node, above)) = self.open.pop() else { break };
            cuts[count] = tree.nodes[usize::from(node)].cut;
            count += 1;
            (parent, at, depth) = (node, tree.nodes[usize::from(node)].children[1], above + 1);
        }
        cuts[count..].fill(f32::INFINITY);
    }

    /// The score of `x` in one tree: what it owes to lying above, and below. `DIRECTED` says whether the split matters
    /// for a point that the tree holds.
    #[inline]
    pub(crate) fn score<const DIRECTED: bool>(&self, index: usize, tree: &Tree, tables: &Tables, x: f32) -> (f64, f64) {
        let start = index * self.width;
        let cuts = &self.cuts[start..start + self.width];
        let (mut at, mut step) = (0, self.width / 2);
        while step > 0 {
            at += step * usize::from(cuts[at + step - 1] < x);
            step /= 2;
        }
        let place = &self.places[start + at];
        let normaliser = tables.normaliser(tree.mass());
        if x == place.value {
            let base = tables.seen(usize::from(place.depth), place.mass, tree.mass());
            let share = if DIRECTED { self.share_above(start, at, tree, tables, base) } else { 1.0 };
            let score = base * normaliser;
            return (score * share, score - score * share);
        }
        let parents = &self.parents[start..start + self.width];
        let q = f64::from(x);
        let mut depth = usize::from(place.depth);
        let mut score = tables.unseen(depth);
        let mut node = place.parent;
        while node != NONE {
            let (low, high) = (tree.boxes[2 * usize::from(node)], tree.boxes[2 * usize::from(node) + 1]);
            if low <= x && x <= high {
                break;
            }
            depth -= 1;
            let (low, high) = (f64::from(low), f64::from(high));
            let beyond = (q - high).max(low - q);
            let p = beyond / (beyond + (high - low));
            score += p * (tables.unseen(depth) - score);
            node = parents[usize::from(node)];
        }
        score *= normaliser;
        if x > place.value { (score, 0.0) } else { (0.0, score) }
    }

    /// Which share of the score `base` of a point that the tree holds it owes to lying above, as if the tree did not
    /// hold it: by the boxes of what else lies below each ancestor, until such a box holds the point.
    fn share_above(&self, start: usize, at: usize, tree: &Tree, tables: &Tables, base: f64) -> f64 {
        let place = &self.places[start + at];
        let (mut side, mut other) = (0.5, 0.5);
        let mut node = place.parent;
        let mut depth = usize::from(place.depth);
        let mut above = true;
        while node != NONE {
            let (low, high) = (tree.boxes[2 * usize::from(node)], tree.boxes[2 * usize::from(node) + 1]);
            if low < place.value && place.value < high {
                break;
            }
            depth -= 1;
            // The point is one end of the box; its neighbour is that end of the box without it.
            above = place.value == high;
            let neighbour = if above { at.wrapping_sub(1) } else { at + 1 };
            let Some(neighbour) = self.places.get(start.wrapping_add(neighbour)) else { break };
            let beyond = (f64::from(place.value) - f64::from(neighbour.value)).abs();
            let p = beyond / (f64::from(high) - f64::from(low));
            side += p * (tables.unseen(depth) / base - side);
            other -= p * other;
            node = self.parents[start + usize::from(node)];
        }
        let share = side / (side + other);
        if above { share } else { 1.0 - share }
    }
}
