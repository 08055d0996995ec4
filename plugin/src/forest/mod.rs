//! The random cut forest of record mode: how unusual is this record among those seen?
//!
//! It is what `RANDOM_CUT_FOREST` of Kinesis Data Analytics for SQL was: the same parameters under the same names, with
//! the same defaults, on the same scale, so that thresholds carry over. A record's numeric columns (and, with
//! `shingle_size` above 1, those of the records before it) are a point; each tree holds a sample of the points so far;
//! the score says at what expected depth random cuts would have told the point from the sample.
//!
//! | score | meaning |
//! |---|---|
//! | 0 | still learning: fewer than `sub_sample_size` points seen |
//! | about 1 | ordinary |
//! | 3 and more | unusual; the threshold that examples of the retired service used |
//! | log2(`sub_sample_size`) | the limit: 8 for 256 |
//!
//! Nothing is scaled before it enters the forest: a column with a large range dominates, as it did in the service.
//!
//! ```
//! use flowscore::forest::{Forest, Parameters};
//!
//! let mut forest = Forest::new(&Parameters::default(), 1)?;
//! for i in 0..1000 {
//!     let ordinary = forest.score(&[f64::from(i % 97)]);
//!     assert!(ordinary < 2.0);
//!     forest.update(&[f64::from(i % 97)]);
//! }
//! assert!(forest.score(&[1e6]) > 5.0);
//! # Ok::<(), String>(())
//! ```

mod explanation;
mod line;
mod points;
mod random;
mod sampler;
mod score;
mod tree;

pub use explanation::write_explanation;
pub use score::Attribution;

use crate::state::state;
use line::Line;
use points::{PointId, Points};
use random::Random;
use sampler::Sampler;
use score::{LANES, Scratch, Tables, attribute_point, score_point};
use tree::Tree;

/// The parameters of the forest, under the names and with the defaults and ranges of the retired service (SQL Reference,
/// RANDOM_CUT_FOREST_WITH_EXPLANATION).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Number of trees, 1 to 1000. More trees give a steadier score and cost more time.
    pub number_of_trees: u32,
    /// Points each tree holds, 10 to 1000; also how many points are learned before the first score.
    pub sub_sample_size: u32,
    /// How many of the last points count: a point of age a weighs e^(−a / time_decay). Above `sub_sample_size`.
    pub time_decay: u32,
    /// Consecutive records joined to one point, 1 to 30.
    pub shingle_size: u32,
    /// Whether the explanation names the direction of each column besides its share.
    pub with_directionality: bool,
    /// Seed of all random choices. Two forests with one seed and the same input give the same scores.
    pub seed: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            number_of_trees: 100,
            sub_sample_size: 256,
            time_decay: 100_000,
            shingle_size: 1,
            // The service's default was FALSE. Here the direction is the point: a spike and a drop are different alarms.
            with_directionality: true,
            seed: 42,
        }
    }
}

/// The most columns a point may have before shingling (the service's limit).
pub const MAX_COLUMNS: usize = 30;

/// The most memory a forest may take, in bytes. The default parameters take about 1.2 MB.
pub const MAX_MEMORY: usize = 256 << 20;

impl Parameters {
    /// Checks the ranges for points of `columns` numeric columns: the parameter, and what is allowed.
    pub fn check(&self, columns: usize) -> Result<(), (&'static str, String)> {
        let within = |name, value: u32, least: u32, most: u32| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err((name, format!("a whole number from {least} to {most}")))
            }
        };
        within("number_of_trees", self.number_of_trees, 1, 1000)?;
        within("sub_sample_size", self.sub_sample_size, 10, 1000)?;
        within("time_decay", self.time_decay, 1, i32::MAX as u32)?;
        within("shingle_size", self.shingle_size, 1, 30)?;
        if self.time_decay <= self.sub_sample_size {
            return Err((
                "time_decay",
                format!("a whole number above sub_sample_size, which is {}", self.sub_sample_size),
            ));
        }
        if !(1..=MAX_COLUMNS).contains(&columns) {
            return Err(("columns", format!("1 to {MAX_COLUMNS} columns")));
        }
        let memory = self.memory(columns);
        if memory > MAX_MEMORY {
            return Err((
                "number_of_trees",
                format!(
                    "a forest of at most {} MiB, and these parameters need up to {} MiB: lower number_of_trees, \
                     sub_sample_size, shingle_size or the number of columns",
                    MAX_MEMORY >> 20,
                    memory >> 20
                ),
            ));
        }
        Ok(())
    }

    /// An upper bound of the memory of a full forest, in bytes.
    pub fn memory(&self, columns: usize) -> usize {
        let dimensions = columns * self.shingle_size as usize;
        let samples = self.number_of_trees as usize * self.sub_sample_size as usize;
        // Point and count; node, leaf and heap entry; box.
        samples * ((4 * dimensions + 8) + (12 + 8 + 16) + 8 * dimensions)
    }
}

/// A random cut forest over points of a fixed number of columns.
#[derive(Clone, Debug)]
pub struct Forest {
    columns: usize,
    sub_sample_size: u16,
    decay: f64,
    /// The last inputs, oldest first; the newest place is filled by the point that is scored or learned.
    shingle: Vec<f32>,
    /// Inputs seen, including those that only filled the shingle.
    seen: u64,
    points: Points,
    samplers: Vec<Sampler>,
    trees: Vec<Tree>,
    working: Working,
}

state!(Forest { columns, sub_sample_size, decay, shingle, seen, points, samplers, trees } default { working });

/// What can be made anew from the parameters: tables and scratch space.
#[derive(Clone, Debug, Default)]
struct Working {
    tables: Option<Tables>,
    scratch: Scratch,
    path: Vec<(tree::Child, usize)>,
    sum: Attribution,
    /// The position at which each tree takes a point next, side by side, and the first of them: most records change no tree.
    next: Vec<u64>,
    earliest: u64,
    /// For points with one coordinate.
    line: Option<Line>,
}

impl Forest {
    /// An empty forest for points of `columns` numeric columns; an error says which parameter is out of range.
    pub fn new(parameters: &Parameters, columns: usize) -> Result<Self, String> {
        parameters.check(columns).map_err(|(name, allowed)| format!("{name}: {allowed}"))?;
        let capacity = parameters.sub_sample_size as u16;
        let mut seeds = Random::new(parameters.seed);
        let (mut trees, mut samplers) = (Vec::new(), Vec::new());
        for _ in 0..parameters.number_of_trees {
            trees.push(Tree::new(seeds.next_u64()));
            samplers.push(Sampler::new(capacity, seeds.next_u64()));
        }
        let dimensions = columns * parameters.shingle_size as usize;
        let mut forest = Forest {
            columns,
            sub_sample_size: capacity,
            decay: 1.0 / f64::from(parameters.time_decay),
            shingle: vec![0.0; dimensions],
            seen: 0,
            points: Points::new(dimensions),
            samplers,
            trees,
            working: Working::default(),
        };
        forest.prepare();
        Ok(forest)
    }

    fn prepare(&mut self) {
        let dimensions = self.shingle.len();
        self.working = Working {
            tables: Some(Tables::new(self.sub_sample_size)),
            scratch: Scratch::new(dimensions, self.sub_sample_size),
            path: Vec::new(),
            sum: Attribution::new(dimensions),
            next: self.samplers.iter().map(Sampler::next).collect(),
            earliest: 0,
            line: (dimensions == 1).then(|| Line::new(self.trees.len(), self.sub_sample_size)),
        };
        if let Some(line) = &mut self.working.line {
            for (index, tree) in self.trees.iter().enumerate() {
                line.build(index, tree, &self.points);
            }
        }
    }

    /// Makes a deserialised forest usable; `false` if it is not one that [`Forest::new`] with these parameters and
    /// [`Forest::update`] could have made.
    pub fn revive(&mut self, parameters: &Parameters, columns: usize) -> bool {
        let capacity = self.sub_sample_size;
        let dimensions = columns * parameters.shingle_size as usize;
        let valid = parameters.check(columns).is_ok()
            && self.columns == columns
            && u32::from(capacity) == parameters.sub_sample_size
            && self.decay == 1.0 / f64::from(parameters.time_decay)
            && self.shingle.len() == dimensions
            && self.shingle.iter().all(|x| x.is_finite())
            && self.trees.len() == parameters.number_of_trees as usize
            && self.samplers.len() == self.trees.len()
            && self.points.is_valid(dimensions, self.samplers.iter().flat_map(Sampler::points))
            && self.samplers.iter().all(|sampler| sampler.is_valid(capacity, self.learned()))
            && self.trees.iter().zip(&self.samplers).all(|(tree, sampler)| {
                tree.is_valid(capacity, &self.points, dimensions) && tree.holds(sampler.points())
            });
        if valid {
            self.prepare();
        }
        valid
    }

    /// Points learned so far: inputs, less those that only filled the first shingle.
    fn learned(&self) -> u64 {
        self.seen.saturating_sub(self.fill())
    }

    /// Inputs that only fill the first shingle.
    fn fill(&self) -> u64 {
        (self.shingle.len() / self.columns - 1) as u64
    }

    /// Whether enough points were seen for scores other than 0.
    pub fn is_ready(&self) -> bool {
        self.learned() >= u64::from(self.sub_sample_size)
    }

    /// Completes the shingle with `input`. Values beyond the range of a 32-bit float count as its largest.
    fn place(&mut self, input: &[f64]) {
        let newest = self.shingle.len() - self.columns;
        for (place, &value) in self.shingle[newest..].iter_mut().zip(input) {
            // + 0.0 turns −0.0 into 0.0. NaN never comes this far; 0 is the harmless reading of it.
            *place =
                if value.is_nan() { 0.0 } else { value.clamp(-f64::from(f32::MAX), f64::from(f32::MAX)) as f32 + 0.0 };
        }
    }

    /// The score of `input` (one finite value for each column) after those learned; learns nothing.
    ///
    /// 0 while [`Forest::is_ready`] is false, then above 0 and at most log2(sub_sample_size + 1).
    pub fn score(&mut self, input: &[f64]) -> f64 {
        self.place(input);
        let ready = self.is_ready();
        let Working { tables: Some(tables), scratch, line, .. } = &mut self.working else { return 0.0 };
        if !ready {
            return 0.0;
        }
        let mut sum = 0.0;
        if let (Some(line), &[x]) = (line, &self.shingle[..]) {
            let (above, below) = line.score::<false>(&self.trees, tables, x);
            sum = above + below;
        } else {
            for trees in self.trees.chunks(LANES) {
                score_point(trees, &self.points, tables, &self.shingle, scratch, &mut sum);
            }
        }
        sum / self.trees.len() as f64
    }

    /// Like [`Forest::score`], but apart by column and direction: the parts sum up to the score.
    ///
    /// With shingles the parts of a column's positions are merged.
    pub fn attribute(&mut self, input: &[f64], attribution: &mut Attribution) {
        self.place(input);
        attribution.high.clear();
        attribution.high.resize(self.columns, 0.0);
        attribution.low.clear();
        attribution.low.resize(self.columns, 0.0);
        let ready = self.is_ready();
        let Working { tables: Some(tables), scratch, sum, line, .. } = &mut self.working else { return };
        if !ready {
            return;
        }
        let trees = self.trees.len() as f64;
        if let (Some(line), &[x]) = (line, &self.shingle[..]) {
            let (high, low) = line.score::<true>(&self.trees, tables, x);
            attribution.high[0] = high / trees;
            attribution.low[0] = low / trees;
            return;
        }
        sum.high.fill(0.0);
        sum.low.fill(0.0);
        for trees in self.trees.chunks(LANES) {
            attribute_point(trees, &self.points, tables, &self.shingle, scratch, sum);
        }
        for (position, (high, low)) in sum.high.iter().zip(&sum.low).enumerate() {
            attribution.high[position % self.columns] += high / trees;
            attribution.low[position % self.columns] += low / trees;
        }
    }

    /// Learns `input`.
    pub fn update(&mut self, input: &[f64]) {
        self.place(input);
        self.seen += 1;
        if self.seen > self.fill() {
            let position = self.learned() - 1;
            let point = self.points.insert(&self.shingle);
            if position >= self.working.earliest {
                self.take(point, position);
            }
            self.points.release(point);
        }
        // What was the newest becomes the one before it.
        self.shingle.copy_within(self.columns.., 0);
    }

    /// Puts the point at `position` into the trees that take it.
    fn take(&mut self, point: PointId, position: u64) {
        let Working { path, line, next, earliest, .. } = &mut self.working;
        let trees = self.trees.iter_mut().zip(&mut self.samplers).zip(&mut *next).enumerate();
        for (index, ((tree, sampler), next)) in trees {
            if *next != position {
                continue;
            }
            if let Some(evicted) = sampler.evicted() {
                tree.remove(evicted, &self.points, path);
                if let Some(line) = line {
                    line.removed(index, tree, &self.points, self.points.get(evicted)[0], path);
                }
                self.points.release(evicted);
            }
            let held = tree.insert(point, &self.points, path);
            if let Some(line) = line {
                line.inserted(index, tree, &self.points, self.shingle[0], path);
            }
            self.points.retain(held);
            sampler.accept(position, held, self.decay);
            *next = sampler.next();
        }
        *earliest = next.iter().copied().min().unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests;
