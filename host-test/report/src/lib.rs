//! One HTML file that shows what was found: incidents with their course and causes, the worst first, beside the labels where there are
//! any.
//!
//! The file needs nothing else: no network; style, drawings and a small script inside. Without script everything can be read; with it
//! there are values under the pointer, zoom, filters, keys and export. It follows the reader's light or dark preference, is legible at
//! the width of a telephone and in print, never says something by colour alone, and has a table beside each drawing. Everything that
//! comes from data is escaped.
//!
//! Events are read one by one. What is kept of them is bounded: per series a history that halves its resolution when it
//! grows (`history`), the newest state of each incident, samples of the rest.
//!
//! Besides the events of the contract (`anomaly`, `group`, `window`, `notice`, `failed`, `score`) an object of type `stats`,
//! with the fields of `run --stats json`, fills in the counts that no event carries.

mod chart;
mod entry;
mod escape;
mod export;
mod group;
mod history;
mod incident;
mod incidents;
mod live;
mod model;
mod names;
mod notice;
mod notices;
mod page;
pub mod quantity;
mod query;
mod records;
mod sentence;
mod series;
mod severity;
mod sketch;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod value;
mod verdict;

pub use live::Live;
pub use names::Names;
pub use severity::{SEVERITIES, Severity};

use escape::Escaped;
use flowscore_generate::Truth;
use model::Model;
use serde_json::Value;
use std::io::{self, Write};
use verdict::{Outcome, Verdicts};

/// What a report is made by, besides the events.
#[derive(Clone, Debug)]
pub struct Options<'t> {
    /// Labels to compare with: each is shown as found or missed, and each incident as explained by a label or false.
    pub truth: Option<&'t [Truth]>,
    /// Names of series.
    pub names: Names,
    /// The score from which on a record counts as an anomaly (`record.threshold`).
    pub threshold: f64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { truth: None, names: Names::default(), threshold: 3.0 }
    }
}

/// What all parts of a page are rendered from.
struct View<'a> {
    model: &'a Model,
    names: &'a Names,
    /// When the process began that the page follows, in seconds since the Unix epoch; none: it follows none.
    since: Option<i64>,
    /// Which content it is, if so.
    version: u64,
}

impl View<'_> {
    fn is_live(&self) -> bool {
        self.since.is_some()
    }

    /// A series by its name, and what it is called in events where that differs.
    fn series(&self, series: &str) -> String {
        match self.names.of(series) {
            Some(name) => format!("{} <span class=\"id\">{}</span>", Escaped(&name), Escaped(series)),
            None => format!("<span class=\"id\">{}</span>", Escaped(series)),
        }
    }

    /// What stands between head and foot of the page.
    fn content(&self, out: &mut dyn Write, verdicts: Option<&Verdicts>) -> io::Result<()> {
        page::summary(out, self, verdicts)?;
        // Who looks at what goes on now wants to see first what is wrong now.
        if self.is_live() {
            incidents::render(out, self, verdicts)?;
            timeline::render(out, self, verdicts)?;
        } else {
            timeline::render(out, self, verdicts)?;
            incidents::render(out, self, verdicts)?;
        }
        records::render(out, self.model)?;
        series::render(out, self)?;
        notices::render(out, self.model)?;
        export::render(out, self)
    }

    fn page(&self, out: &mut dyn Write, title: &str, verdicts: Option<&Verdicts>) -> io::Result<()> {
        page::open(out, self, title)?;
        page::head(out, self, title)?;
        out.write_all(b"<main>\n")?;
        self.content(out, verdicts)?;
        out.write_all(b"</main>\n")?;
        page::close(out)
    }
}

/// Events, collected for a report, and the labels to compare them with.
pub struct Report<'t> {
    model: Model,
    options: Options<'t>,
}

impl<'t> Report<'t> {
    /// Collects the events. With `truth`, each label is shown as found or missed, and each incident as explained by a
    /// label or false.
    pub fn new(events: impl Iterator<Item = Value>, truth: Option<&'t [Truth]>) -> Self {
        Report::with(events, Options { truth, ..Options::default() })
    }

    /// Collects the events.
    pub fn with(events: impl Iterator<Item = Value>, options: Options<'t>) -> Self {
        let mut model = Model::new(options.threshold);
        for event in events {
            model.add(&event);
        }
        model.finish();
        Report { model, options }
    }

    /// Whether no event came at all.
    pub fn is_empty(&self) -> bool {
        self.model.events == 0
    }

    /// How many came that are no events of a known type.
    pub fn strangers(&self) -> u64 {
        self.model.strangers
    }

    fn verdicts(&self) -> Option<Verdicts<'t>> {
        self.options.truth.map(|truth| Verdicts::new(&self.model, truth))
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn html(&self, title: &str, mut out: impl Write) -> io::Result<()> {
        let view = View { model: &self.model, names: &self.options.names, since: None, version: 0 };
        view.page(&mut out, title, self.verdicts().as_ref())?;
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
