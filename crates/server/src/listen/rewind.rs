//! A connection in front of which something was read already.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::listen::timed::Timed;

/// The request that an answer which took long is given to: its own was read and dropped.
const AGAIN: &[u8] = b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\n\r\n";
const AGAIN_AND_CLOSE: &[u8] =
    b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The connection, after what was read.
pub struct Rewind {
    read: Bytes,
    io: Timed,
}

impl Rewind {
    /// A connection, and what was read of it before.
    pub const fn new(io: Timed, read: Bytes) -> Self {
        Self { read, io }
    }

    /// What to read before `rest` on a connection on which a request waits for its answer.
    pub fn before(rest: &[u8], keep_alive: bool) -> Bytes {
        let request = if keep_alive { AGAIN } else { AGAIN_AND_CLOSE };
        Bytes::from([request, rest].concat())
    }

    /// The connection itself.
    pub fn into_inner(self) -> Timed {
        self.io
    }
}

impl AsyncRead for Rewind {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        let octets = self.read.split_to(count);
        buffer.put_slice(octets.chunk());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewind {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
