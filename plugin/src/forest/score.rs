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
//! The recursion is unrolled from the root down, carrying the probability that nothing has separated the point so far,
//! so one pass without a stack gives the score and, split by the side on which the point sticks out of each box, its
//! attribution.

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

/// Scratch space that scoring reuses, so that it never allocates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    path: Vec<(Child, usize)>,
    tree: Attribution,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Scratch {
    pub(crate) fn new(dimensions: usize) -> Self {
        Scratch {
            path: Vec::new(),
            tree: Attribution::new(dimensions),
            low: vec![0.0; dimensions],
            high: vec![0.0; dimensions],
        }
    }
}

/// The score of a point of any dimension in one tree.
pub(crate) fn score_point(tree: &Tree, points: &Points, tables: &Tables, point: &[f32]) -> f64 {
    let (mut score, mut alive) = (0.0, 1.0);
    let (mut at, mut depth) = (tree.root, 0);
    while at & LEAF == 0 {
        let node = &tree.nodes[usize::from(at)];
        let (beyond, range) = growth(tree.corners(at, point.len()), point);
        if beyond > 0.0 {
            let p = beyond / range;
            score += alive * p * tables.unseen(depth);
            alive *= 1.0 - p;
        }
        at = node.children[usize::from(point[usize::from(node.dimension)] > node.cut)];
        depth += 1;
    }
    let leaf = &tree.leaves[usize::from(at & !LEAF)];
    score += if points.get(leaf.point) == point {
        tables.seen(depth, leaf.mass, tree.mass())
    } else {
        alive * tables.unseen(depth)
    };
    score * tables.normaliser(tree.mass())
}

/// Adds what one tree attributes to each dimension of the point; the sum of what is added is [`score_point`].
pub(crate) fn attribute_point(
    tree: &Tree,
    points: &Points,
    tables: &Tables,
    point: &[f32],
    scratch: &mut Scratch,
    sum: &mut Attribution,
) {
    scratch.tree.clear();
    let mut alive = 1.0;
    let (mut at, mut depth) = (tree.root, 0);
    while at & LEAF == 0 {
        let node = &tree.nodes[usize::from(at)];
        let corners = tree.corners(at, point.len());
        let (beyond, range) = growth(corners, point);
        if beyond > 0.0 {
            scratch.tree.add(alive * tables.unseen(depth) / range, corners, point);
            alive *= 1.0 - beyond / range;
        }
        at = node.children[usize::from(point[usize::from(node.dimension)] > node.cut)];
        depth += 1;
    }
    let leaf = &tree.leaves[usize::from(at & !LEAF)];
    let held = points.get(leaf.point);
    if held == point {
        attribute_equal(tree, points, tables, point, tables.seen(depth, leaf.mass, tree.mass()), scratch);
    } else {
        let (_, distance) = growth((held, held), point);
        scratch.tree.add(alive * tables.unseen(depth) / distance, (held, held), point);
    }
    let normaliser = tables.normaliser(tree.mass());
    for (sum, part) in sum.high.iter_mut().zip(&scratch.tree.high).chain(sum.low.iter_mut().zip(&scratch.tree.low)) {
        *sum += part * normaliser;
    }
}

/// Attributes the score `base` of a point that the tree holds, as if it did not: with the boxes of the siblings on its
/// path, grown upwards until one holds the point. The parts go to `scratch.tree`; their sum is `base`.
fn attribute_equal(tree: &Tree, points: &Points, tables: &Tables, point: &[f32], base: f64, scratch: &mut Scratch) {
    let dimensions = point.len();
    scratch.path.clear();
    let mut at = tree.root;
    while at & LEAF == 0 {
        let node = &tree.nodes[usize::from(at)];
        let side = usize::from(point[usize::from(node.dimension)] > node.cut);
        scratch.path.push((node.children[1 - side], scratch.path.len()));
        at = node.children[side];
    }
    let parts = &mut scratch.tree;
    let even = base / (2 * dimensions) as f64;
    parts.high.fill(even);
    parts.low.fill(even);
    scratch.low.fill(f32::INFINITY);
    scratch.high.fill(f32::NEG_INFINITY);
    for &(sibling, depth) in scratch.path.iter().rev() {
        for i in 0..dimensions {
            let (low, high) = tree.interval(sibling, i, points, dimensions);
            scratch.low[i] = scratch.low[i].min(low);
            scratch.high[i] = scratch.high[i].max(high);
        }
        let corners = (&scratch.low[..], &scratch.high[..]);
        let (beyond, range) = growth(corners, point);
        if beyond <= 0.0 {
            break;
        }
        let kept = 1.0 - beyond / range;
        for part in parts.high.iter_mut().chain(&mut parts.low) {
            *part *= kept;
        }
        parts.add(tables.unseen(depth) / range, corners, point);
    }
    let scale = base / parts.total();
    for part in parts.high.iter_mut().chain(&mut parts.low) {
        *part *= scale;
    }
}
