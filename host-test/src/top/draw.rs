//! The drawing: health and throughput, open incidents with the worst first, and the last windows of series.

use flowscore_report::quantity;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Wrap};

use super::{Incident, Series, State};

/// Lines of an incident: what it is, and its sentence, which may take two.
const INCIDENT: usize = 3;
/// Columns of a series' name and amount.
const NAME: u16 = 28;
const AMOUNT: u16 = 10;

/// What is drawn.
#[derive(Debug, Default)]
pub struct View {
    /// What was heard last; none yet.
    pub state: Option<State>,
    /// Why nothing is heard now.
    pub lost: Option<String>,
    /// Incidents that are scrolled past.
    pub scrolled: usize,
}

impl View {
    /// Scrolls so many incidents on, or back.
    pub fn scroll(&mut self, by: isize) {
        let last = self.state.as_ref().map_or(0, |state| state.incidents.len().saturating_sub(1));
        self.scrolled = self.scrolled.saturating_add_signed(by).min(last);
    }

    /// Draws it.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let none = State::default();
        let state = self.state.as_ref().unwrap_or(&none);
        let wanted = (state.incidents.len().clamp(1, 6) * INCIDENT + 2) as u16;
        let incidents = wanted.min(frame.area().height.saturating_sub(2) * 3 / 5);
        let rows = [Constraint::Length(1), Constraint::Length(incidents), Constraint::Min(0), Constraint::Length(1)];
        let [head, top, rest, foot] = Layout::vertical(rows).areas(frame.area());
        frame.render_widget(Paragraph::new(self.head(state)), head);

        let title = format!(" Open incidents, the worst first ({}) ", state.open);
        let block = Block::new().borders(Borders::TOP).title(title);
        let lines: Vec<Line<'_>> = match state.incidents.as_slice() {
            [] => vec![Line::from(if self.state.is_some() { "none" } else { "waiting for the process" })],
            incidents => incidents.iter().skip(self.scrolled).flat_map(of_incident).collect(),
        };
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).block(block), top);

        let block = Block::new().borders(Borders::TOP).title(format!(
            " Series, {} a window ({} of {}) ",
            state.value,
            state.series.len(),
            state.series_held.max(state.series.len() as u64)
        ));
        let columns = rest.width.saturating_sub(NAME + AMOUNT + 2);
        let rows = state.series.iter().map(|series| row(series, &state.value, columns.into()));
        let widths = [Constraint::Length(NAME), Constraint::Length(AMOUNT), Constraint::Min(0)];
        frame.render_widget(Table::new(rows, widths).block(block), rest);
        frame.render_widget(Paragraph::new("q quit · ↑ ↓ scroll").style(Style::new().fg(Color::DarkGray)), foot);
    }

    fn head<'a>(&'a self, state: &'a State) -> Line<'a> {
        let (health, colour) = match (&self.lost, state.health.as_str()) {
            (Some(lost), _) => (format!("connection lost: {lost}"), Color::Red),
            (None, "") => ("connecting".to_owned(), Color::DarkGray),
            (None, "ready") => ("ready".to_owned(), Color::Green),
            (None, other) => (other.to_owned(), Color::Red),
        };
        let rate = state.records_per_second.map_or("–".to_owned(), |rate| format!("{rate:.0}"));
        let lag = state.lag_s.map_or("–".to_owned(), |lag| quantity::duration((lag as i64).max(0)));
        Line::from(vec![
            Span::styled(state.title.as_str(), Style::new().add_modifier(Modifier::BOLD)),
            Span::raw("  "),
            Span::styled(health, Style::new().fg(colour)),
            Span::raw(format!("  {rate} records/s  {lag} behind the clock")),
        ])
    }
}

fn of_incident(incident: &Incident) -> [Line<'_>; 2] {
    let (sign, colour) = match incident.direction.as_str() {
        "drop" => ("▼", Color::Blue),
        _ => ("▲", Color::Yellow),
    };
    let is_urgent = matches!(incident.severity.as_str(), "high" | "critical");
    let severity = if is_urgent { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let lasts = quantity::duration(incident.end - incident.start);
    [
        Line::from(vec![
            Span::styled(format!("{sign} {} ", incident.factor), Style::new().fg(colour)),
            Span::styled(incident.severity.as_str(), severity),
            Span::raw(format!(" for {lasts}")),
        ]),
        Line::from(format!("  {}", incident.sentence)),
    ]
}

fn row<'a>(series: &'a Series, value: &str, columns: usize) -> Row<'a> {
    let last = series.windows.last().copied();
    let amount = last
        .map_or(String::new(), |last| if value == "bytes" { quantity::bytes(last) } else { quantity::number(last) });
    let style = if series.is_open { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let name = format!("{} {}", if series.is_open { "!" } else { " " }, series.name);
    Row::new([Line::from(name), Line::from(amount).right_aligned(), Line::from(sparkline(&series.windows, columns))])
        .style(style)
}

/// The newest amounts as bars, as many as there are columns; from nothing to the most of them.
fn sparkline(windows: &[f64], columns: usize) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &windows[windows.len().saturating_sub(columns)..];
    let most = shown.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bar = |amount: &f64| {
        let height = (amount / most * 8.0).clamp(0.0, 8.0);
        // What is not nothing is seen.
        BARS[if *amount > 0.0 { (height.round() as usize).clamp(1, 8) } else { 0 }]
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn lines(view: &View, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().replace('\u{a0}', " ");
        (0..height).map(row).collect()
    }

    fn view() -> View {
        let incident = |direction: &str, sentence: &str| Incident {
            direction: direction.into(),
            severity: "high".into(),
            start: 0,
            end: 1_980,
            factor: "−100 %".into(),
            sentence: sentence.into(),
        };
        let series =
            |name: &str, is_open, windows: &[f64]| Series { name: name.into(), is_open, windows: windows.to_vec() };
        let state = State {
            title: "flowscore".into(),
            health: "ready".into(),
            records_per_second: Some(1_234.4),
            lag_s: Some(125.0),
            open: 2,
            value: "bytes".into(),
            series_held: 12,
            incidents: vec![
                incident("drop", "web-1 has sent nothing for 33 minutes"),
                incident("spike", "eni-2 has \u{1b}[31msent more"),
            ],
            series: vec![series("web-1", true, &[8e6, 4e6, 1.0, 0.0]), series("eni-2", false, &[1e6, 2e6])],
        };
        View { state: Some(state), ..View::default() }
    }

    #[test]
    fn what_is_open_stands_above_the_series() {
        assert_eq!(
            lines(&view(), 60, 14),
            [
                "flowscore  ready  1234 records/s  2 min behind the clock",
                " Open incidents, the worst first (2) ───────────────────────",
                "▼ −100 % high for 33 min",
                "  web-1 has sent nothing for 33 minutes",
                "▲ −100 % high for 33 min",
                "  eni-2 has [31msent more",
                "",
                "",
                " Series, bytes a window (2 of 12) ──────────────────────────",
                "! web-1                             0 B █▄▁",
                "  eni-2                            2 MB ▄█",
                "",
                "",
                "q quit · ↑ ↓ scroll",
            ]
        );
    }

    #[test]
    fn it_scrolls_and_says_when_the_connection_is_lost_at_any_size() {
        let mut view = view();
        view.scroll(-1);
        view.scroll(7);
        view.lost = Some("refused".into());
        let lines = |view: &View| super::tests::lines(view, 60, 14);
        assert_eq!(view.scrolled, 1);
        assert!(lines(&view)[0].starts_with("flowscore  connection lost: refused"), "{}", lines(&view)[0]);
        assert!(lines(&view)[2].starts_with('▲'), "{}", lines(&view)[2]);
        assert!(lines(&View::default())[2].contains("waiting for the process"));
        for (width, height) in [(1, 1), (5, 3), (200, 2), (20, 60)] {
            super::tests::lines(&view, width, height);
        }
    }
}
