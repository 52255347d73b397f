//! Deadlines of a connection (T-71). Whoever neither reads nor writes is given up: before its
//! first octet, within a head, between requests, and while an answer is on its way out. While a
//! request is worked on nothing runs out here: bodies have a deadline of their own, and answers
//! may take as long as a poll is held.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::listen::heads::Heads;
use crate::listen::stream::Stream;
use crate::settings::Deadlines;

/// What the connection is waiting for. Shared between the octets and the requests made of them.
#[derive(Clone)]
pub struct Progress(Arc<Marks>);

struct Marks {
    began: Instant,
    deadlines: Deadlines,
    /// Requests under way.
    working: AtomicU64,
    /// When the connection has waited for long enough, in milliseconds since it began.
    until: AtomicU64,
}

/// A request under way; it is over when this is dropped.
pub struct Working(Progress);

impl Progress {
    /// Of a connection that was just made.
    pub fn new(deadlines: Deadlines) -> Self {
        let until = AtomicU64::new(millis(deadlines.first_octet));
        let working = AtomicU64::default();
        Self(Arc::new(Marks { began: Instant::now(), deadlines, working, until }))
    }

    /// A request was read and is worked on.
    pub fn work(&self) -> Working {
        self.0.working.fetch_add(1, Ordering::Relaxed);
        Working(self.clone())
    }

    fn wait(&self, duration: Duration) {
        let until = millis(self.0.began.elapsed() + duration);
        self.0.until.store(until, Ordering::Relaxed);
    }

    /// Until when an octet has to come; `None`: none has to.
    fn until(&self) -> Option<Instant> {
        if self.0.working.load(Ordering::Relaxed) > 0 {
            return None;
        }
        Some(self.0.began + Duration::from_millis(self.0.until.load(Ordering::Relaxed)))
    }
}

impl Working {
    /// The request is over when its answer is: that of a stream of events comes for hours.
    pub fn until_sent(self, answer: Response) -> Response {
        if answer.body().size_hint().exact().is_some() {
            return answer;
        }
        answer.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _working = &self;
                frame
            }))
        })
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let Self(progress) = self;
        progress.wait(progress.0.deadlines.idle);
        progress.0.working.fetch_sub(1, Ordering::Relaxed);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A connection that ends when it makes its server wait for too long.
pub struct Timed {
    stream: Stream,
    progress: Progress,
    /// Where HTTP/1.1 is spoken: a head is to come whole within its deadline. With HTTP/2 octets may
    /// be anything; a connection on which nothing is asked is idle.
    heads: Option<Heads>,
    /// Whether the head that is being read has its deadline: one that began while a request was
    /// worked on gets it later.
    is_head_timed: bool,
    /// Since when nothing could be written.
    stalled: Option<Instant>,
    /// Made when something is waited for first. Where it is early, it only looks again.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// Watches over a connection.
    pub const fn new(stream: Stream, progress: Progress, heads: Option<Heads>) -> Self {
        let (is_head_timed, stalled, sleep) = (false, None, None);
        Self { stream, progress, heads, is_head_timed, stalled, sleep }
    }

    /// The connection itself, and what of it was received and not read.
    pub fn into_parts(self) -> (Stream, Bytes) {
        (self.stream, self.heads.map(|heads| heads.ahead).unwrap_or_default())
    }

    /// Octets come.
    fn heard(&mut self) {
        let marks = &self.progress.0;
        self.is_head_timed &= !self.heads.as_ref().is_some_and(Heads::begins);
        if marks.working.load(Ordering::Relaxed) > 0 {
            return;
        }
        match &self.heads {
            Some(_) if self.is_head_timed => {}
            Some(_) => {
                self.is_head_timed = true;
                self.progress.wait(marks.deadlines.head);
            }
            None => self.progress.wait(marks.deadlines.idle),
        }
    }

    /// What became of a write: one that makes no progress for too long ends the connection.
    fn progressed<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let since = *self.stalled.get_or_insert_with(Instant::now);
        let until = since + self.progress.0.deadlines.write_stall;
        self.poll_late(context, until).map(Err)
    }

    /// Ready when `until` has passed, and asked again then.
    fn poll_late(&mut self, context: &mut Context<'_>, until: Instant) -> Poll<io::Error> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        loop {
            if sleep.deadline() > until {
                sleep.as_mut().reset(until);
            }
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= until {
                return Poll::Ready(io::Error::from(io::ErrorKind::TimedOut));
            }
            sleep.as_mut().reset(until);
        }
    }

    /// Reads what was received before, as far as the part goes that is being read.
    fn read_ahead(&mut self, buffer: &mut ReadBuf<'_>) {
        let Some(heads) = &mut self.heads else { return };
        let before = buffer.filled().len();
        let most = heads.ahead.len().min(buffer.remaining());
        buffer.put_slice(heads.ahead.get(..most).unwrap_or_default());
        let count = heads.take(buffer.filled_mut().get_mut(before..).unwrap_or_default());
        heads.ahead.advance(count);
        buffer.set_filled(before + count);
    }

    /// Keeps what was received behind the part that is being read.
    fn keep_ahead(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let Some(heads) = &mut self.heads else { return };
        let received = buffer.filled_mut().get_mut(before..).unwrap_or_default();
        let count = heads.take(received);
        heads.ahead = Bytes::copy_from_slice(received.get(count..).unwrap_or_default());
        buffer.set_filled(before + count);
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(heads) = &mut this.heads {
            heads.turn()?;
            if !heads.ahead.is_empty() {
                this.heard();
                this.read_ahead(buffer);
                return Poll::Ready(Ok(()));
            }
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    this.heard();
                    this.keep_ahead(buffer, before);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match this.progress.until() {
                Some(until) => this.poll_late(context, until).map(Err),
                None => Poll::Pending,
            },
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, octets);
        this.progressed(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.progressed(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
