//! Runs processes one step at a time under a virtual clock: which of those that can go on goes next is chance, and so is when one of
//! them is killed, stands still for a while, or is interrupted.
//!
//! Nothing here waits: when nobody can go on, the time jumps to whatever comes next.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use meshform_engine::ports::{BoxFuture, Clock};

use crate::random::Random;

/// When every run begins, in milliseconds since the epoch.
const BEGINNING_MS: i64 = 1_800_000_000_000;
/// More steps than any run takes.
const STEPS_MAX: u64 = 200_000;

/// A process by its number.
pub(crate) type Process = usize;

/// The virtual time, shared by all.
#[derive(Clone)]
pub(crate) struct Time(Arc<Mutex<Timers>>);

struct Timers {
    now_ms: i64,
    order: u64,
    waiting: BTreeMap<(i64, u64), Waker>,
    /// What is started beside what runs, by the process that it belongs to.
    started: Vec<(Process, BoxFuture<'static, ()>)>,
}

impl Time {
    pub(crate) fn new() -> Self {
        let timers = Timers { now_ms: BEGINNING_MS, order: 0, waiting: BTreeMap::new(), started: Vec::new() };
        Self(Arc::new(Mutex::new(timers)))
    }

    /// Starts a task of this process beside those that run. It ends when what is returned is dropped.
    pub(crate) fn start(&self, process: Process, task: BoxFuture<'static, ()>) -> Box<dyn Send + Sync> {
        let alive: Arc<()> = Arc::default();
        let task = Beside { task, alive: Arc::downgrade(&alive) };
        self.with(|timers| timers.started.push((process, Box::pin(task))));
        Box::new(alive)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Timers) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the time go on to `at_ms`, or, if none is given, to what comes next. Tells whether anybody was woken.
    fn jump(&self, at_ms: Option<i64>) -> bool {
        let woken = self.with(|timers| {
            let next = timers.waiting.first_key_value().map(|(key, _)| key.0);
            let to_ms = [at_ms, next].into_iter().flatten().min()?;
            timers.now_ms = timers.now_ms.max(to_ms);
            let later = timers.waiting.split_off(&(timers.now_ms + 1, 0));
            Some(std::mem::replace(&mut timers.waiting, later))
        });
        let Some(woken) = woken else { return false };
        woken.into_values().for_each(Waker::wake);
        true
    }
}

impl Clock for Time {
    fn now_ms(&self) -> i64 {
        self.with(|timers| timers.now_ms)
    }

    fn sleep_ms(&self, duration_ms: u64) -> BoxFuture<'static, ()> {
        let at_ms = self.now_ms().saturating_add(i64::try_from(duration_ms).unwrap_or(i64::MAX));
        Box::pin(Sleep { time: self.clone(), at_ms, key: None })
    }
}

/// A task that goes on as long as someone wants it to.
struct Beside {
    task: BoxFuture<'static, ()>,
    alive: Weak<()>,
}

impl Future for Beside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.alive.strong_count() {
            0 => Poll::Ready(()),
            _ => self.task.as_mut().poll(context),
        }
    }
}

struct Sleep {
    time: Time,
    at_ms: i64,
    key: Option<(i64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (at_ms, former) = (self.at_ms, self.key);
        let key = self.time.with(|timers| {
            former.iter().for_each(|key| drop(timers.waiting.remove(key)));
            if timers.now_ms >= at_ms {
                return None;
            }
            timers.order += 1;
            timers.waiting.insert((at_ms, timers.order), context.waker().clone());
            Some((at_ms, timers.order))
        });
        self.key = key;
        if key.is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let key = self.key;
        self.time.with(|timers| key.map(|key| timers.waiting.remove(&key)));
    }
}

/// What befalls a process after so many of its steps.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It is killed: nothing of it is run any more.
    Killed,
    /// It stands still for so many milliseconds, and then goes on as if nothing had been.
    Still(i64),
    /// Something is done to it, such as an interrupt.
    Told(Told),
}

/// What to do when it comes to it.
#[derive(Clone)]
pub(crate) struct Told(pub(crate) Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("told")
    }
}

/// The processes of one run.
pub(crate) struct Executor<'a> {
    time: Time,
    random: Random,
    ready: Arc<Mutex<BTreeSet<usize>>>,
    tasks: BTreeMap<usize, Task<'a>>,
    processes: BTreeMap<Process, State>,
    next: usize,
}

struct Task<'a> {
    process: Process,
    /// Whether the process ends with it.
    is_main: bool,
    future: BoxFuture<'a, ()>,
}

#[derive(Default)]
struct State {
    steps: u64,
    fates: Vec<(u64, Fate)>,
    still_until_ms: i64,
}

struct Awake {
    task: usize,
    ready: Arc<Mutex<BTreeSet<usize>>>,
}

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(self.task);
    }
}

impl<'a> Executor<'a> {
    pub(crate) fn new(time: &Time, random: Random) -> Self {
        Self {
            time: time.clone(),
            random,
            ready: Arc::default(),
            tasks: BTreeMap::new(),
            processes: BTreeMap::new(),
            next: 0,
        }
    }

    /// Adds a process that does this, with what will befall it.
    pub(crate) fn add(&mut self, process: Process, fates: Vec<(u64, Fate)>, work: BoxFuture<'a, ()>) {
        self.processes.insert(process, State { fates, ..State::default() });
        self.push(Task { process, is_main: true, future: work });
    }

    /// Runs all processes to their ends. `killed` hears of those that are killed, before anything of them is dropped.
    ///
    /// # Errors
    /// When one of them never ends.
    pub(crate) fn run(mut self, killed: &dyn Fn(Process)) -> Result<(), String> {
        for _ in 0..STEPS_MAX {
            self.adopt();
            if self.tasks.values().all(|task| !task.is_main) {
                return Ok(());
            }
            match self.choose() {
                Some(task) => self.step(task, killed),
                None if self.wait() => {}
                None => return Err("a process waits for what never comes".to_owned()),
            }
        }
        Err("a process does not come to an end".to_owned())
    }

    fn adopt(&mut self) {
        for (process, future) in self.time.with(|timers| std::mem::take(&mut timers.started)) {
            if self.processes.contains_key(&process) {
                self.push(Task { process, is_main: false, future });
            }
        }
    }

    fn push(&mut self, task: Task<'a>) {
        self.ready().insert(self.next);
        self.tasks.insert(self.next, task);
        self.next += 1;
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, BTreeSet<usize>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task that can go on.
    fn choose(&mut self) -> Option<usize> {
        let now_ms = self.time.now_ms();
        let is_still = |task: &Task<'_>| {
            self.processes.get(&task.process).is_some_and(|state| state.still_until_ms > now_ms)
        };
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|task| self.tasks.contains_key(task));
        let able: Vec<_> = ready.iter().copied().filter(|task| !is_still(&self.tasks[task])).collect();
        let chosen = *able.get(usize::try_from(self.random.below(able.len() as u64)).ok()?)?;
        ready.remove(&chosen);
        Some(chosen)
    }

    /// Lets the time go on, to when someone can.
    fn wait(&self) -> bool {
        let now_ms = self.time.now_ms();
        let thaws = self.processes.values().map(|state| state.still_until_ms);
        self.time.jump(thaws.filter(|at_ms| *at_ms > now_ms).min())
    }

    fn step(&mut self, number: usize, killed: &dyn Fn(Process)) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let (process, is_main) = (task.process, task.is_main);
        let waker = Waker::from(Arc::new(Awake { task: number, ready: Arc::clone(&self.ready) }));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            self.tasks.remove(&number);
            if is_main {
                self.end(process);
            }
            return;
        }
        self.befall(process, killed);
    }

    fn befall(&mut self, process: Process, killed: &dyn Fn(Process)) {
        let Some(state) = self.processes.get_mut(&process) else { return };
        state.steps += 1;
        let steps = state.steps;
        let due: Vec<_> = state.fates.extract_if(.., |(at, _)| *at <= steps).collect();
        for (_, fate) in due {
            match fate {
                Fate::Killed => {
                    killed(process);
                    self.end(process);
                }
                Fate::Still(duration_ms) => {
                    let until_ms = self.time.now_ms() + duration_ms;
                    self.processes.entry(process).or_default().still_until_ms = until_ms;
                }
                Fate::Told(Told(what)) => what(),
            }
        }
    }

    /// What a process has started ends with it.
    fn end(&mut self, process: Process) {
        self.processes.remove(&process);
        self.tasks.retain(|_, task| task.process != process);
    }
}
