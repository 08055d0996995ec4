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
//! The arrays here are derived from a tree and made anew when it has changed, if that is worth its while: a tree's sampler
//! knows when it will change again, and one that does so soon is walked down instead. Both ways lead to the same leaf and
//! the same fold, so to the same score to the bit.

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

/// Records between two changes of a tree from which on sorting it costs less than walking down for each.
const WORTH_SORTING: u64 = 100;

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
    /// Places for each tree: the capacity, rounded up to a power of two.
    width: usize,
    /// Sorted cuts of each tree, filled up with infinity.
    cuts: Vec<f32>,
    /// Leaves of each tree in the order of their values.
    places: Vec<Place>,
    /// The parent of each node of each tree.
    parents: Vec<Child>,
    searches: Vec<Search>,
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
            searches: vec![Search::Walk; trees],
            open: Vec::new(),
        }
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
            Search::Walk => return self.walk(index, tree, points, tables, x),
        }
        self.search::<DIRECTED>(index, tree, tables, x)
    }

    /// Visits the tree from left to right.
    #[inline(never)]
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

    /// The score by the arrays.
    #[inline]
    fn search<const DIRECTED: bool>(&self, index: usize, tree: &Tree, tables: &Tables, x: f32) -> (f64, f64) {
        let start = index * self.width;
        let cuts = &self.cuts[start..start + self.width];
        let (mut at, mut step) = (0, self.width / 2);
        while step > 0 {
            at += step * usize::from(cuts[at + step - 1] < x);
            step /= 2;
        }
        let place = &self.places[start + at];
        let parents = &self.parents[start..start + self.width];
        if x != place.value {
            return unequal(place, parents, tree, tables, x);
        }
        if !DIRECTED {
            return (
                tables.seen(usize::from(place.depth), place.mass, tree.mass()) * tables.normaliser(tree.mass()),
                0.0,
            );
        }
        // Beyond the ends the point itself, which no box asks for.
        let value = |at: usize| self.places.get(at).map_or(x, |place| place.value);
        equal(place, parents, tree, tables, [value((start + at).wrapping_sub(1)), value(start + at + 1)])
    }

    /// The score by way of the nodes, whose parents are noted on the way.
    #[inline(never)]
    fn walk(&mut self, index: usize, tree: &Tree, points: &Points, tables: &Tables, x: f32) -> (f64, f64) {
        let parents = &mut self.parents[index * self.width..(index + 1) * self.width];
        let (mut at, mut parent, mut depth) = (tree.root, NONE, 0);
        // The last subtrees passed by on the left and on the right.
        let mut passed = [None; 2];
        while at & LEAF == 0 {
            let node = &tree.nodes[usize::from(at)];
            let side = usize::from(node.cut < x);
            passed[1 - side] = Some(node.children[1 - side]);
            parents[usize::from(at)] = parent;
            (parent, at, depth) = (at, node.children[side], depth + 1);
        }
        let leaf = tree.leaves[usize::from(at & !LEAF)];
        let place = Place { value: points.get(leaf.point)[0], depth, mass: leaf.mass, parent };
        if x != place.value {
            return unequal(&place, parents, tree, tables, x);
        }
        let [left, right] = passed.map(|child| child.map_or((x, x), |child| tree.interval(child, 0, points, 1)));
        equal(&place, parents, tree, tables, [left.1, right.0])
    }
}

/// The score of `x`, whose place is at a leaf with another value, folded upwards.
#[inline]
fn unequal(place: &Place, parents: &[Child], tree: &Tree, tables: &Tables, x: f32) -> (f64, f64) {
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
    score *= tables.normaliser(tree.mass());
    if x > place.value { (score, 0.0) } else { (0.0, score) }
}

/// The score of a point that the tree holds. Which share of it the point owes to lying above is told as if the tree did
/// not hold it: by the boxes of what else lies below each ancestor, until such a box holds the point. `neighbours` are the
/// values of the leaves before and after.
#[inline]
fn equal(place: &Place, parents: &[Child], tree: &Tree, tables: &Tables, neighbours: [f32; 2]) -> (f64, f64) {
    let base = tables.seen(usize::from(place.depth), place.mass, tree.mass());
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
        let neighbour = neighbours[usize::from(!above)];
        let beyond = (f64::from(place.value) - f64::from(neighbour)).abs();
        let p = beyond / (f64::from(high) - f64::from(low));
        side += p * (tables.unseen(depth) / base - side);
        other -= p * other;
        node = parents[usize::from(node)];
    }
    let share = side / (side + other);
    let score = base * tables.normaliser(tree.mass());
    let share = if above { share } else { 1.0 - share };
    (score * share, score - score * share)
}
