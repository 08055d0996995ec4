//! One random cut tree: insertion and deletion that keep it distributed as if it had been built from its points at once.
//!
//! Guha, Mishra, Roy and Schrijvers, "Robust Random Cut Forest Based Anomaly Detection on Streams", ICML 2016. A node's
//! cut is uniform over the sides of the bounding box of the points below it, so a dimension is cut in proportion to its
//! extent. Left means `point[dimension] <= cut`.
//!
//! Everything is flat: nodes and leaves are slots of fixed arrays, children are 16-bit references, boxes are one array.

use super::points::{PointId, Points};
use super::random::Random;
use crate::order;
use crate::state::state;

/// Reference to a child: an index into the nodes or, with [`LEAF`] set, into the leaves.
pub(crate) type Child = u16;

/// Marks a reference to a leaf.
pub(crate) const LEAF: Child = 1 << 15;

/// No child: the root of an empty tree.
const NONE: Child = Child::MAX;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) cut: f32,
    pub(crate) dimension: u16,
    /// Left child first, so that a comparison can be the index.
    pub(crate) children: [Child; 2],
    mass: u16,
}

state!(Node { cut, dimension, children, mass });

/// Equal points share a leaf; `mass` is how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) point: PointId,
    pub(crate) mass: u16,
}

state!(Leaf { point, mass });

/// A tree over at most `capacity` points.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) root: Child,
    pub(crate) nodes: Vec<Node>,
    pub(crate) leaves: Vec<Leaf>,
    /// For node n the lower corner at `2·n·d`, then the upper corner.
    pub(crate) boxes: Vec<f32>,
    free_nodes: Vec<Child>,
    free_leaves: Vec<Child>,
    random: Random,
}

state!(Tree { root, nodes, leaves, boxes, free_nodes, free_leaves, random });

/// How far `point` reaches beyond the box, summed over the sides, and how long the sides of both together are.
///
/// The quotient is the probability that a random cut of box and point separates the point from the box.
#[inline]
pub(crate) fn growth((low, high): (&[f32], &[f32]), point: &[f32]) -> (f64, f64) {
    let (mut beyond, mut sides) = (0.0, 0.0);
    for ((&low, &high), &x) in low.iter().zip(high).zip(point) {
        let (low, high, x) = (f64::from(low), f64::from(high), f64::from(x));
        beyond += (low - x).max(0.0) + (x - high).max(0.0);
        sides += high - low;
    }
    (beyond, beyond + sides)
}

impl Tree {
    pub(crate) fn new(seed: u64) -> Self {
        Tree {
            root: NONE,
            nodes: Vec::new(),
            leaves: Vec::new(),
            boxes: Vec::new(),
            free_nodes: Vec::new(),
            free_leaves: Vec::new(),
            random: Random::new(seed),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root == NONE
    }

    /// How many points the tree holds, equal ones counted each.
    pub(crate) fn mass(&self) -> u16 {
        if self.is_empty() { 0 } else { self.mass_of(self.root) }
    }

    fn mass_of(&self, child: Child) -> u16 {
        if child & LEAF != 0 {
            self.leaves[usize::from(child & !LEAF)].mass
        } else {
            self.nodes[usize::from(child)].mass
        }
    }

    #[inline]
    pub(crate) fn corners(&self, node: Child, dimensions: usize) -> (&[f32], &[f32]) {
        let at = 2 * dimensions * usize::from(node);
        self.boxes[at..at + 2 * dimensions].split_at(dimensions)
    }

    /// The box of a node in a tree over one dimension.
    #[inline]
    pub(crate) fn interval_of(&self, node: Child) -> (f32, f32) {
        let at = 2 * usize::from(node);
        (self.boxes[at], self.boxes[at + 1])
    }

    /// Where a path of nodes and sides leads.
    pub(crate) fn at(&self, path: &[(Child, usize)]) -> Child {
        path.last().map_or(self.root, |&(node, side)| self.nodes[usize::from(node)].children[side])
    }

    /// The side of `node` on which `point` belongs.
    #[inline]
    fn side(&self, node: Child, point: &[f32]) -> usize {
        let node = &self.nodes[usize::from(node)];
        usize::from(point[usize::from(node.dimension)] > node.cut)
    }

    /// Adds the point `id`. Where an equal point is held already, its id is returned and takes the place of `id`.
    ///
    /// Walks down from the root (the paper's algorithm 2): at each node a cut of box and point is drawn; where it
    /// separates the two, the new leaf is hung in above the node; else the node's own cut stays and the walk goes on.
    /// `path` leads from the root to what has been put there: the first leaf, a node above the new one, or the leaf that
    /// holds an equal point.
    pub(crate) fn insert(&mut self, id: PointId, points: &Points, path: &mut Vec<(Child, usize)>) -> PointId {
        path.clear();
        let point = points.get(id);
        let dimensions = point.len();
        if self.is_empty() {
            self.root = self.new_leaf(id);
            return id;
        }
        let mut at = self.root;
        loop {
            let cut = if at & LEAF != 0 {
                let leaf = &mut self.leaves[usize::from(at & !LEAF)];
                let other = points.get(leaf.point);
                if other == point {
                    leaf.mass += 1;
                    return leaf.point;
                }
                draw_cut(&mut self.random, (other, other), point)
            } else {
                let corners = self.boxes[2 * dimensions * usize::from(at)..][..2 * dimensions].split_at(dimensions);
                if growth(corners, point).0 > 0.0 { draw_cut(&mut self.random, corners, point) } else { None }
            };
            if let Some(cut) = cut {
                let leaf = self.new_leaf(id);
                let node = self.new_node(cut, at, leaf, point, points);
                match path.last() {
                    Some(&(parent, side)) => self.nodes[usize::from(parent)].children[side] = node,
                    None => self.root = node,
                }
                return id;
            }
            if at & LEAF != 0 {
                // Unequal points always have a side to cut, so this is not reached; keeping the walk finite costs nothing.
                return id;
            }
            self.extend(at, point);
            self.nodes[usize::from(at)].mass += 1;
            let side = self.side(at, point);
            path.push((at, side));
            at = self.nodes[usize::from(at)].children[side];
        }
    }

    /// Removes one point equal to the point `id`.
    ///
    /// The leaf's parent goes with it and the sibling moves up; boxes above shrink until one holds without the point.
    /// `path` leads from the root to the sibling, or to the leaf if that holds more of such points.
    pub(crate) fn remove(&mut self, id: PointId, points: &Points, path: &mut Vec<(Child, usize)>) {
        let point = points.get(id);
        path.clear();
        let mut at = self.root;
        while at & LEAF == 0 {
            let side = self.side(at, point);
            path.push((at, side));
            at = self.nodes[usize::from(at)].children[side];
        }
        if at == NONE {
            return;
        }
        let leaf = &mut self.leaves[usize::from(at & !LEAF)];
        leaf.mass -= 1;
        let gone = leaf.mass == 0;
        if gone {
            self.free_leaves.push(at);
            match path.pop() {
                None => self.root = NONE,
                Some((parent, side)) => {
                    let sibling = self.nodes[usize::from(parent)].children[1 - side];
                    self.free_nodes.push(parent);
                    match path.last() {
                        Some(&(above, side)) => self.nodes[usize::from(above)].children[side] = sibling,
                        None => self.root = sibling,
                    }
                }
            }
        }
        let mut shrinking = gone;
        for &(node, _) in path.iter().rev() {
            self.nodes[usize::from(node)].mass -= 1;
            shrinking = shrinking && self.shrink(node, points, point.len());
        }
    }

    fn new_leaf(&mut self, point: PointId) -> Child {
        let leaf = Leaf { point, mass: 1 };
        if let Some(child) = self.free_leaves.pop() {
            self.leaves[usize::from(child & !LEAF)] = leaf;
            child
        } else {
            self.leaves.push(leaf);
            (self.leaves.len() - 1) as Child | LEAF
        }
    }

    /// A node that separates the subtree `old` from the new `leaf`, which holds `point`.
    fn new_node(&mut self, cut: Cut, old: Child, leaf: Child, point: &[f32], points: &Points) -> Child {
        let below = point[usize::from(cut.dimension)] <= cut.value;
        let node = Node {
            cut: cut.value,
            dimension: cut.dimension,
            children: if below { [leaf, old] } else { [old, leaf] },
            mass: self.mass_of(old) + 1,
        };
        let dimensions = point.len();
        let child = if let Some(child) = self.free_nodes.pop() {
            self.nodes[usize::from(child)] = node;
            child
        } else {
            self.nodes.push(node);
            self.boxes.resize(self.boxes.len() + 2 * dimensions, 0.0);
            (self.nodes.len() - 1) as Child
        };
        self.shrink(child, points, dimensions);
        child
    }

    /// Extends the box of `node` by `point`.
    fn extend(&mut self, node: Child, point: &[f32]) {
        let at = 2 * point.len() * usize::from(node);
        let (low, high) = self.boxes[at..at + 2 * point.len()].split_at_mut(point.len());
        for ((low, high), &x) in low.iter_mut().zip(high).zip(point) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }

    /// Sets the box of `node` to that of its children; whether it changed.
    fn shrink(&mut self, node: Child, points: &Points, dimensions: usize) -> bool {
        let at = 2 * dimensions * usize::from(node);
        let [left, right] = self.nodes[usize::from(node)].children;
        let mut changed = false;
        for i in 0..dimensions {
            let (a, b) = (self.interval(left, i, points, dimensions), self.interval(right, i, points, dimensions));
            let (low, high) = (a.0.min(b.0), a.1.max(b.1));
            changed |= self.boxes[at + i] != low || self.boxes[at + dimensions + i] != high;
            self.boxes[at + i] = low;
            self.boxes[at + dimensions + i] = high;
        }
        changed
    }

    /// Side `i` of the box of a child.
    pub(crate) fn interval(&self, child: Child, i: usize, points: &Points, dimensions: usize) -> (f32, f32) {
        if child & LEAF != 0 {
            let x = points.get(self.leaves[usize::from(child & !LEAF)].point)[i];
            (x, x)
        } else {
            let (low, high) = self.corners(child, dimensions);
            (low[i], high[i])
        }
    }

    /// Whether every reference is in range and used once, and boxes, masses and cuts are those of the points below.
    pub(crate) fn is_valid(&self, capacity: u16, points: &Points, dimensions: usize) -> bool {
        let slots = |used: &[Child], free: &[Child], length: usize| {
            let mut seen = vec![false; length];
            used.iter()
                .chain(free)
                .all(|&c| seen.get_mut(usize::from(c & !LEAF)).is_some_and(|seen| !std::mem::replace(seen, true)))
                && used.len() + free.len() == length
        };
        let (mut nodes, mut leaves) = (Vec::new(), Vec::new());
        let mut open = if self.is_empty() { vec![] } else { vec![self.root] };
        while let Some(child) = open.pop() {
            if nodes.len() + leaves.len() > 2 * usize::from(capacity) {
                return false;
            } else if child & LEAF != 0 {
                leaves.push(child);
            } else {
                let Some(node) = self.nodes.get(usize::from(child)) else { return false };
                nodes.push(child);
                open.extend(node.children);
            }
        }
        if leaves.len() > usize::from(capacity)
            || self.boxes.len() != 2 * dimensions * self.nodes.len()
            || self.free_nodes.iter().any(|c| c & LEAF != 0)
            || self.free_leaves.iter().any(|c| c & LEAF == 0)
            || !slots(&nodes, &self.free_nodes, self.nodes.len())
            || !slots(&leaves, &self.free_leaves, self.leaves.len())
            || !leaves.iter().all(|&leaf| points.contains(self.leaves[usize::from(leaf & !LEAF)].point))
        {
            return false;
        }
        nodes.iter().rev().all(|&child| {
            let node = &self.nodes[usize::from(child)];
            let [left, right] = node.children;
            let cut = usize::from(node.dimension);
            cut < dimensions
                && u32::from(node.mass) == u32::from(self.mass_of(left)) + u32::from(self.mass_of(right))
                && (0..dimensions).all(|i| {
                    let (a, b) =
                        (self.interval(left, i, points, dimensions), self.interval(right, i, points, dimensions));
                    self.interval(child, i, points, dimensions) == (a.0.min(b.0), a.1.max(b.1))
                })
                && self.interval(left, cut, points, dimensions).1 <= node.cut
                && node.cut < self.interval(right, cut, points, dimensions).0
        }) && leaves.iter().all(|&leaf| self.mass_of(leaf) > 0)
    }

    /// Whether the leaves hold exactly these points. For a valid tree only.
    pub(crate) fn holds(&self, sampled: impl Iterator<Item = PointId>) -> bool {
        let mut sampled: Vec<PointId> = sampled.collect();
        order::sort(&mut sampled);
        let used = |leaf: &usize| !self.free_leaves.contains(&(*leaf as Child | LEAF));
        let mut held: Vec<PointId> = (0..self.leaves.len())
            .filter(used)
            .flat_map(|leaf| std::iter::repeat_n(self.leaves[leaf].point, usize::from(self.leaves[leaf].mass)))
            .collect();
        order::sort(&mut held);
        sampled == held
    }
}

struct Cut {
    dimension: u16,
    value: f32,
}

/// A cut of box ∪ point, uniform over its sides; `None` where it does not separate the point from the box.
fn draw_cut(random: &mut Random, (low, high): (&[f32], &[f32]), point: &[f32]) -> Option<Cut> {
    let (_, range) = growth((low, high), point);
    let mut target = random.uniform() * range;
    let mut chosen = None;
    for (i, ((&low, &high), &x)) in low.iter().zip(high).zip(point).enumerate() {
        let (from, to) = (low.min(x), high.max(x));
        let side = f64::from(to) - f64::from(from);
        if side > 0.0 {
            // The last dimension with a side stays chosen when rounding makes the walk run off the end.
            let value = (f64::from(from) + target.min(side)) as f32;
            let value = if value >= to { to.next_down() } else { value };
            chosen = Some((i, value));
            if target <= side {
                break;
            }
            target -= side;
        }
    }
    let (i, value) = chosen?;
    let separates = (point[i] <= value && value < low[i]) || (high[i] <= value && value < point[i]);
    separates.then_some(Cut { dimension: i as u16, value })
}
