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
    /// Whether what has happened stays to be read.
    is_lasting: bool,
    /// Lines that stay, to be printed when the frame is drawn next.
    waiting: Vec<String>,
    /// How many lines of the frame stand on the terminal.
    drawn: usize,
    /// How many lines were printed since the first failure was told.
    since_failure: Option<usize>,
}

impl Display {
    /// A display for one run, redrawn if that is of use to anyone.
    pub(crate) fn new(line_by_line: bool) -> Self {
        let live = !line_by_line && io::stderr().is_terminal();
        let canvas = Arc::new(Mutex::new(Canvas {
            board: Board::new(live),
            started: Instant::now(),
            live,
            is_lasting: true,
            waiting: Vec::new(),
            drawn: 0,
            since_failure: None,
        }));
        let (stop, stopped) = mpsc::channel();
        let shared = Arc::clone(&canvas);
        let tick = move || {
            while stopped.recv_timeout(REDRAW) == Err(RecvTimeoutError::Timeout) {
                lock(&shared).tick();
            }
        };
        // Without a ticker the lines come at the end.
        let ticker = std::thread::Builder::new().spawn(tick).ok().map(|thread| (stop, thread));
        Self { canvas, ticker }
    }

    /// The same, of which nothing stays but what is said besides.
    pub(crate) fn fleeting(self) -> Self {
        lock(&self.canvas).is_lasting = false;
        self
    }

    /// Says something besides the events.
    pub(crate) fn note(&self, line: &str) {
        let mut canvas = lock(&self.canvas);
        canvas.waiting.push(line.to_owned());
        canvas.draw();
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
        let mut lines = canvas.board.take(event, now_ms);
        if !canvas.is_lasting {
            lines.clear();
        }
        // What a failure itself says may fill the screen: that is read, however long it is.
        canvas.since_failure = match (event, canvas.since_failure) {
            (Progress::StepFailed { .. }, None) => Some(0),
            (_, since) => since.map(|before| before + lines.len()),
        };
        canvas.waiting.append(&mut lines);
        // However many events there are, a terminal is redrawn only so often.
        if !canvas.live {
            canvas.draw();
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            // The ticker only draws; whether it ended well does not matter to anyone.
            let _ = thread.join();
        }
        let mut canvas = lock(&self.canvas);
        canvas.live = false;
        canvas.draw();
    }
}

impl Canvas {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tick(&mut self) {
        let now_ms = self.now_ms();
        let mut reminders = self.board.remind(now_ms);
        if self.is_lasting {
            self.waiting.append(&mut reminders);
        }
        self.draw();
    }

    /// Lines that stay go above the frame, which is drawn anew below them.
    fn draw(&mut self) {
        let erase = erasing(self.drawn);
        let mut lines = std::mem::take(&mut self.waiting);
        self.drawn = 0;
        if self.live {
            let (columns, rows) = terminal::size();
            let mut frame = frame::lines(&self.board, self.now_ms(), columns, rows.min(ROWS_MAX));
            self.drawn = frame.len();
            lines.append(&mut frame);
        }
        if !erase.is_empty() || !lines.is_empty() {
            show(&erase, &lines.into_iter().map(|line| line + "\n").collect::<String>());
        }
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
