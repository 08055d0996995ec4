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
mod quantity;
mod records;
mod series;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod verdict;

use crate::generate::Truth;
use model::Model;
use serde_json::Value;
use std::io::{self, Write};
use verdict::Verdicts;

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

    /// How many labels that call for an alert or notice were found, how many there are, and how many incidents no label
    /// explains. None without labels.
    pub fn tally(&self) -> Option<Tally> {
        let verdicts = self.verdicts()?;
        let (found, wanted) = verdicts.found();
        Some(Tally { found, wanted, false_incidents: verdicts.false_incidents() })
    }
}

/// The comparison with the labels, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Labels that call for an alert or notice and got it.
    pub found: usize,
    /// Labels that call for one.
    pub wanted: usize,
    /// Incidents that no label explains.
    pub false_incidents: usize,
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
