//! The display on standard error: the only place that draws.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use meshform_engine::observer::{Observer, Progress};

use super::board::Board;
use super::frame;
use crate::terminal;

const REDRAW: Duration = Duration::from_millis(100);
/// A failure that so many lines were printed after is still in sight.
const LINES_IN_SIGHT: usize = 16;
/// Rows of the terminal that the frame may take.
const ROWS_MAX: usize = 10;

/// Shows a run to a person: redrawn on a terminal, line by line anywhere else. Dropping it takes the redrawn part away.
pub(crate) struct Display {
    canvas: Arc<Mutex<Canvas>>,
    ticker: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

struct Canvas {
    board: Board,
    started: Instant,
    live: bool,
    /// How many lines of the frame stand on the terminal.
    drawn: usize,
    /// How many lines were printed since the first failure began to be told.
    since_failure: Option<usize>,
}

impl Display {
    /// A display for one run.
    pub(crate) fn new(ci: bool) -> Self {
        let live =
            !ci && io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let canvas =
            Canvas { board: Board::new(live), started: Instant::now(), live, drawn: 0, since_failure: None };
        let canvas = Arc::new(Mutex::new(canvas));
        let (stop, stopped) = mpsc::channel();
        let shared = Arc::clone(&canvas);
        let tick = move || {
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                lock(&shared).tick();
            }
        };
        Self { canvas, ticker: Some((stop, std::thread::spawn(tick))) }
    }

    /// Says something besides the events.
    pub(crate) fn note(&self, line: &str) {
        lock(&self.canvas).print(&[line.to_owned()]);
    }

    /// Whether a failure was told so long ago that it may be out of sight.
    pub(crate) fn has_lost_a_failure(&self) -> bool {
        lock(&self.canvas).since_failure.is_some_and(|lines| lines > LINES_IN_SIGHT)
    }
}

impl Observer for Display {
    fn event(&self, event: &Progress) {
        let mut canvas = lock(&self.canvas);
        let now_ms = canvas.now_ms();
        let lines = canvas.board.take(event, now_ms);
        if matches!(event, Progress::StepFailed { .. }) {
            canvas.since_failure.get_or_insert(0);
        }
        canvas.print(&lines);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            // The ticker only draws; whether it ended well does not matter to anyone.
            let _ = thread.join();
        }
        lock(&self.canvas).clear();
    }
}

impl Canvas {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&mut self) {
        let now_ms = self.now_ms();
        let lines = self.board.remind(now_ms);
        if self.live || !lines.is_empty() {
            self.print(&lines);
        }
    }

    /// Lines that stay go above the frame, which is drawn anew below them.
    fn print(&mut self, lines: &[String]) {
        let erase = erasing(self.drawn);
        self.since_failure = self.since_failure.map(|before| before + lines.len());
        let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        if self.live {
            let (columns, rows) = terminal::size();
            let frame = frame::lines(&self.board, self.now_ms(), columns, rows.min(ROWS_MAX));
            self.drawn = frame.len();
            frame.iter().for_each(|line| text.push_str(&format!("{line}\n")));
        }
        show(&erase, &text);
    }

    fn clear(&mut self) {
        show(&erasing(self.drawn), "");
        self.drawn = 0;
    }
}

/// The control sequence that takes so many lines off the terminal.
fn erasing(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\u{1b}[{lines}A\u{1b}[J") }
}

/// Cursor movement is no colour: it stays when colours are off, and there is only any on a terminal.
fn show(erase: &str, text: &str) {
    let mut stderr = io::stderr().lock();
    let text = match anstream::AutoStream::choice(&stderr) {
        anstream::ColorChoice::Never => anstream::adapter::strip_str(text).to_string(),
        _ => text.to_owned(),
    };
    // Progress is a courtesy: that nobody reads it must not stop a run.
    let _ = stderr.write_all(format!("{erase}{text}").as_bytes()).and_then(|()| stderr.flush());
}

fn lock(canvas: &Mutex<Canvas>) -> std::sync::MutexGuard<'_, Canvas> {
    canvas.lock().unwrap_or_else(PoisonError::into_inner)
}
