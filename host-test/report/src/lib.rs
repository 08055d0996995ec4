//! One HTML file that shows what was found: incidents with their course and causes, beside the labels where there are
//! any.
//!
//! The file needs nothing else: no network, no script, style and drawings inside. It follows the reader's light or
//! dark preference, is legible at the width of a telephone and in print, never says something by colour alone, and
//! has a table beside each drawing. Everything that comes from data is escaped.
//!
//! Events are read one by one. What is kept of them is bounded: per series a history that halves its resolution when it
//! grows (`history`), the newest state of each incident, samples of the rest.
//!
//! Besides the events of the contract (`anomaly`, `window`, `notice`, `failed`, `score`) an object of type `stats`,
//! with the fields of `run --stats json`, fills in the counts that no event carries.

mod chart;
mod escape;
mod history;
mod incident;
mod incidents;
mod model;
mod notices;
mod page;
pub mod quantity;
mod records;
mod series;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod verdict;

use flowscore_generate::Truth;
use model::Model;
use serde_json::Value;
use std::io::{self, Write};
use verdict::{Outcome, Verdicts};

/// Events, collected for a report, and the labels to compare them with.
pub struct Report<'t> {
    model: Model,
    truth: Option<&'t [Truth]>,
}

impl<'t> Report<'t> {
    /// Collects the events. With `truth`, each label is shown as found or missed, and each incident as explained by a
    /// label or false.
    pub fn new(events: impl Iterator<Item = Value>, truth: Option<&'t [Truth]>) -> Self {
        let mut model = Model::default();
        for event in events {
            model.add(&event);
        }
        model.finish();
        Report { model, truth }
    }

    fn verdicts(&self) -> Option<Verdicts<'t>> {
        self.truth.map(|truth| Verdicts::new(&self.model, truth))
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn html(&self, title: &str, mut out: impl Write) -> io::Result<()> {
        let (model, verdicts) = (&self.model, self.verdicts());
        let out: &mut dyn Write = &mut out;
        page::open(out, title)?;
        page::summary(out, model, verdicts.as_ref(), title)?;
        timeline::render(out, model, verdicts.as_ref())?;
        incidents::render(out, model, verdicts.as_ref())?;
        records::render(out, model)?;
        series::render(out, model)?;
        notices::render(out, model)?;
        page::close(out)?;
        out.flush()
    }

    /// Writes the incidents beside the truth, for a terminal.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn text(&self, mut out: impl Write) -> io::Result<()> {
        text::render(&mut out, &self.model, self.verdicts().as_ref())
    }

    /// The comparison with the labels, in numbers. None without labels.
    pub fn tally(&self) -> Option<Tally> {
        let verdicts = self.verdicts()?;
        let (found, wanted) = verdicts.found();
        let outcomes = |outcome| verdicts.labels.iter().filter(move |label| label.0 == outcome);
        let talkers = verdicts.truth.iter().zip(&verdicts.labels).filter_map(|(label, (outcome, index))| {
            let incident = self.model.incidents.get((*index)?)?;
            (*outcome == Outcome::Right).then(|| text::names_the_talker(incident, label))?
        });
        let talkers: Vec<bool> = talkers.collect();
        Some(Tally {
            found,
            wanted,
            wrong_way: outcomes(Outcome::WrongDirection).count(),
            unwanted: outcomes(Outcome::Unwanted).count(),
            false_incidents: verdicts.false_incidents(),
            talkers: (talkers.iter().filter(|right| **right).count(), talkers.len()),
            delays: verdicts.delays(&self.model),
        })
    }
}

/// The comparison with the labels, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Labels that call for an alert or notice and got it.
    pub found: usize,
    /// Labels that call for one.
    pub wanted: usize,
    /// Labels that got an alert in the wrong direction only; they are not found.
    pub wrong_way: usize,
    /// Labels that call for no alert and got one.
    pub unwanted: usize,
    /// Incidents that no label explains.
    pub false_incidents: usize,
    /// Incidents found whose first talker is the injected one, and those where both are named.
    pub talkers: (usize, usize),
    /// Seconds from each label found to the start of its incident.
    pub delays: Vec<i64>,
}

impl core::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.found += other.found;
        self.wanted += other.wanted;
        self.wrong_way += other.wrong_way;
        self.unwanted += other.unwanted;
        self.false_incidents += other.false_incidents;
        self.talkers.0 += other.talkers.0;
        self.talkers.1 += other.talkers.1;
        self.delays.extend(other.delays);
    }
}

impl core::fmt::Display for Tally {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { found, wanted, wrong_way, unwanted, false_incidents, talkers, delays } = self;
        let mut delays = delays.clone();
        delays.sort_unstable();
        let median = delays.get(delays.len() / 2).copied().unwrap_or(0);
        write!(
            f,
            "found {found} of {wanted} ({:.3}), wrong way {wrong_way}, false incidents {false_incidents}, of them {unwanted} \
             within labels that call for none, first talker right {} of {}, median delay {median} s",
            *found as f64 / (*wanted).max(1) as f64,
            talkers.0,
            talkers.1,
        )
    }
}

/// Writes the page of `events`: [`Report::new`] and [`Report::html`] in one.
///
/// # Errors
///
/// If `out` cannot be written to.
pub fn render(
    events: impl Iterator<Item = Value>,
    truth: Option<&[Truth]>,
    title: &str,
    out: impl Write,
) -> io::Result<()> {
    Report::new(events, truth).html(title, out)
}
