//! Polls futures, one at a time, in the order that the simulation chooses.
//!
//! The server's futures expect tokio: bodies are read under a deadline, signing keys are made by
//! `spawn_blocking`. They are polled inside a current-thread runtime whose clock is paused and
//! whose timers nobody drives, so no real time passes and no deadline is ever met. A future that
//! waits for the blocking thread is waited for on the spot: from outside it takes no time, and
//! how long it really took makes no difference. Only who waits for what others do gives way.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

thread_local! {
    /// Whether the future that is being polled has paused by itself.
    static PAUSED: Cell<bool> = const { Cell::new(false) };
}

/// Lets others go first, so many times.
pub async fn pause(times: usize) {
    for _ in 0..times {
        let mut paused = false;
        std::future::poll_fn(|_| {
            if paused {
                return Poll::Ready(());
            }
            paused = true;
            PAUSED.set(true);
            Poll::Pending
        })
        .await;
    }
}

struct Alarm {
    rung: AtomicBool,
    sleeper: Thread,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }
}

/// How far a future has come.
pub enum Progress<T> {
    /// It is done.
    Done(T),
    /// It lets others go first.
    Paused,
    /// It has nothing to do until others did something.
    Waits,
}

/// Polls until the future is done or pauses, or waits for others, if it `may_wait`.
pub fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T>>>, may_wait: bool) -> Progress<T> {
    let alarm = Arc::new(Alarm { rung: AtomicBool::new(false), sleeper: thread::current() });
    let waker = Waker::from(Arc::clone(&alarm));
    loop {
        PAUSED.set(false);
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return Progress::Done(done),
            Poll::Pending if PAUSED.get() => return Progress::Paused,
            Poll::Pending if may_wait && !alarm.rung.swap(false, Ordering::AcqRel) => {
                return Progress::Waits;
            }
            Poll::Pending if may_wait => {}
            Poll::Pending => {
                while !alarm.rung.swap(false, Ordering::AcqRel) {
                    thread::park();
                }
            }
        }
    }
}
