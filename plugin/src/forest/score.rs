//! How anomalous a point is: the expected inverse depth at which random cuts would have separated it.
//!
//! For one tree (scoring functions and names as in the library aws/random-cut-forest-by-aws, `CommonUtils` and
//! `AbstractScalarScoreVisitor`), with p(n) the probability that a cut of n's box and the point separates the two:
//!
//! ```text
//! leaf, unequal point   1 / (depth + 1)
//! leaf, equal point     damp · 1 / (depth + log2(mass + 1)),   damp = 1 − mass / (2 · tree mass)
//! node                  p / (depth + 1) + (1 − p) · score of the child on the point's side
//! tree                  score of the root · log2(tree mass + 1)
//! ```
//!
//! A walk down leads to the leaf by the cuts alone. From there the recursion is folded upwards, and ends at the first box that
//! holds the point, since all above hold it, too: those are seldom more than three. What the point sticks out of a box, split by
//! dimension and side, is its attribution.
//!
//! A step down waits for the one before and for memory, so several trees are walked side by side.

use super::points::Points;
use super::tree::{Child, LEAF, Tree, growth};

/// What each dimension contributed to a score, apart by the side on which the point sticks out.
///
/// All parts are 0 or more, and their sum is the score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// Caused by the value lying above what the trees hold, one entry for each dimension.
    pub high: Vec<f64>,
    /// Caused by the value lying below, one entry for each dimension.
    pub low: Vec<f64>,
}

impl Attribution {
    pub(crate) fn new(dimensions: usize) -> Self {
        Attribution { high: vec![0.0; dimensions], low: vec![0.0; dimensions] }
    }

    /// The score: the sum of all parts.
    pub fn total(&self) -> f64 {
        self.high.iter().sum::<f64>() + self.low.iter().sum::<f64>()
    }

    fn clear(&mut self) {
        self.high.fill(0.0);
        self.low.fill(0.0);
    }

    fn scale(&mut self, factor: f64) {
        self.high.iter_mut().chain(&mut self.low).for_each(|part| *part *= factor);
    }

    /// Adds, for each dimension, `weight` times the length by which the point sticks out of the box.
    fn add(&mut self, weight: f64, (low, high): (&[f32], &[f32]), point: &[f32]) {
        for (i, ((&low, &high), &x)) in low.iter().zip(high).zip(point).enumerate() {
            let (low, high, x) = (f64::from(low), f64::from(high), f64::from(x));
            self.high[i] += weight * (x - high).max(0.0);
            self.low[i] += weight * (low - x).max(0.0);
        }
    }
}

/// How far above a root depths may be asked for.
pub(crate) const PADDING: usize = 2;

/// Values of the scoring functions that need a division or a logarithm, for all depths and masses of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// 1 / (depth + 1), after [`PADDING`] zeros.
    unseen: Vec<f64>,
    /// log2(mass + 1).
    log2: Vec<f64>,
}

impl Tables {
    pub(crate) fn new(capacity: u16) -> Self {
        let upto = 0..=usize::from(capacity) + 1;
        Tables {
            unseen: vec![0.0; PADDING]
                .into_iter()
                .chain(upto.clone().map(|depth| 1.0 / (depth as f64 + 1.0)))
                .collect(),
            log2: upto.map(|mass| libm::log2(mass as f64 + 1.0)).collect(),
        }
    }

    /// What being told apart at this depth counts.
    #[inline]
    pub(crate) fn unseen(&self, depth: usize) -> f64 {
        self.unseen[depth + PADDING]
    }

    /// The same for the depths above this one, the deepest last.
    #[inline]
    pub(crate) fn above(&self, depth: usize) -> &[f64; PADDING] {
        let (above, _) = self.unseen[depth..].split_first_chunk().unwrap_or((&[0.0; PADDING], &[]));
        above
    }

    /// What reaching an equal point, held `mass` times, at this depth counts.
    pub(crate) fn seen(&self, depth: usize, mass: u16, tree_mass: u16) -> f64 {
        let damp = 1.0 - f64::from(mass) / (2.0 * f64::from(tree_mass));
        damp / (depth as f64 + self.log2[usize::from(mass)])
    }

    pub(crate) fn normaliser(&self, tree_mass: u16) -> f64 {
        self.log2[usize::from(tree_mass)]
    }
}

/// Trees that are walked side by side.
pub(crate) const LANES: usize = 8;

/// A walk down a tree: the nodes passed, root first, and the leaf.
#[derive(Clone, Debug)]
struct Walk {
    nodes: Vec<Child>,
    depth: usize,
    end: Child,
}

impl Walk {
    fn path(&self) -> &[Child] {
        &self.nodes[..self.depth]
    }
}

/// Scratch space that scoring reuses, so that it never allocates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    walks: Vec<Walk>,
    tree: Attribution,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Scratch {
    pub(crate) fn new(dimensions: usize, capacity: u16) -> Self {
        let walk = Walk { nodes: vec![0; usize::from(capacity)], depth: 0, end: LEAF };
        Scratch {
            walks: vec![walk; LANES],
            tree: Attribution::new(dimensions),
            low: vec![0.0; dimensions],
            high: vec![0.0; dimensions],
        }
    }

    /// Walks down these trees, at most [`LANES`], none of them empty.
    fn descend(&mut self, trees: &[Tree], point: &[f32]) {
        for (walk, tree) in self.walks.iter_mut().zip(trees) {
            (walk.depth, walk.end) = (0, tree.root);
        }
        let mut walking = true;
        while walking {
            walking = false;
            for (walk, tree) in self.walks.iter_mut().zip(trees) {
                if walk.end & LEAF == 0 {
                    let node = &tree.nodes[usize::from(walk.end)];
                    walk.nodes[walk.depth] = walk.end;
                    walk.depth += 1;
                    walk.end = node.children[usize::from(point[usize::from(node.dimension)] > node.cut)];
                    walking = true;
                }
            }
        }
    }
}

/// The scores of a point of any dimension in these trees, at most [`LANES`], summed.
pub(crate) fn score_point(
    trees: &[Tree],
    points: &Points,
    tables: &Tables,
    point: &[f32],
    scratch: &mut Scratch,
    sum: &mut f64,
) {
    scratch.descend(trees, point);
    for (walk, tree) in scratch.walks.iter().zip(trees) {
        let leaf = &tree.leaves[usize::from(walk.end & !LEAF)];
        let score = if points.get(leaf.point) == point {
            tables.seen(walk.depth, leaf.mass, tree.mass())
        } else {
            let mut score = tables.unseen(walk.depth);
            for (depth, &node) in walk.path().iter().enumerate().rev() {
                let (beyond, range) = growth(tree.corners(node, point.len()), point);
                if beyond <= 0.0 {
                    break;
                }
                score += beyond / range * (tables.unseen(depth) - score);
            }
            score
        };
        *sum += score * tables.normaliser(tree.mass());
    }
}

/// Adds what these trees, at most [`LANES`], attribute to each dimension of the point; the sum of what is added is
/// [`score_point`].
pub(crate) fn attribute_point(
    trees: &[Tree],
    points: &Points,
    tables: &Tables,
    point: &[f32],
    scratch: &mut Scratch,
    sum: &mut Attribution,
) {
    scratch.descend(trees, point);
    let Scratch { walks, tree: parts, low, high } = scratch;
    for (walk, tree) in walks.iter().zip(trees) {
        let leaf = &tree.leaves[usize::from(walk.end & !LEAF)];
        let held = points.get(leaf.point);
        if held == point {
            let base = tables.seen(walk.depth, leaf.mass, tree.mass());
            attribute_equal((tree, walk), points, tables, point, base, (&mut *parts, &mut *low, &mut *high));
        } else {
            let (_, distance) = growth((held, held), point);
            parts.clear();
            parts.add(tables.unseen(walk.depth) / distance, (held, held), point);
            for (depth, &node) in walk.path().iter().enumerate().rev() {
                let corners = tree.corners(node, point.len());
                let (beyond, range) = growth(corners, point);
                if beyond <= 0.0 {
                    break;
                }
                parts.scale(1.0 - beyond / range);
                parts.add(tables.unseen(depth) / range, corners, point);
            }
        }
        let normaliser = tables.normaliser(tree.mass());
        for (sum, part) in sum.high.iter_mut().zip(&parts.high).chain(sum.low.iter_mut().zip(&parts.low)) {
            *sum += part * normaliser;
        }
    }
}

/// Attributes the score `base` of a point that the tree holds, as if it did not: with the boxes of the siblings on its
/// path, grown upwards until one holds the point. The sum of the parts is `base`.
fn attribute_equal(
    (tree, walk): (&Tree, &Walk),
    points: &Points,
    tables: &Tables,
    point: &[f32],
    base: f64,
    (parts, low, high): (&mut Attribution, &mut [f32], &mut [f32]),
) {
    let dimensions = point.len();
    let even = base / (2 * dimensions) as f64;
    parts.high.fill(even);
    parts.low.fill(even);
    low.fill(f32::INFINITY);
    high.fill(f32::NEG_INFINITY);
    let mut below = walk.end;
    for (depth, &node) in walk.path().iter().enumerate().rev() {
        let [left, right] = tree.nodes[usize::from(node)].children;
        let sibling = if left == below { right } else { left };
        below = node;
        for i in 0..dimensions {
            let ends = tree.interval(sibling, i, points, dimensions);
            low[i] = low[i].min(ends.0);
            high[i] = high[i].max(ends.1);
        }
        let corners = (&*low, &*high);
        let (beyond, range) = growth(corners, point);
        if beyond <= 0.0 {
            break;
        }
        parts.scale(1.0 - beyond / range);
        parts.add(tables.unseen(depth) / range, corners, point);
    }
    parts.scale(base / parts.total());
}
