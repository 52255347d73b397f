//! A socket in front of which something was read already.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The request that an answer which took long is given to: its own was read and dropped.
const AGAIN: &[u8] = b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\n\r\n";
const AGAIN_AND_CLOSE: &[u8] =
    b"POST / HTTP/1.1\r\nhost: again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The socket, after what was read.
pub struct Rewind {
    read: Bytes,
    io: TokioIo<TcpStream>,
}

impl Rewind {
    /// A fresh socket.
    pub const fn new(stream: TokioIo<TcpStream>) -> Self {
        Self { read: Bytes::new(), io: stream }
    }

    /// A socket on which a request waits for its answer, before `rest`.
    pub fn again(io: TokioIo<TcpStream>, rest: &Bytes, keep_alive: bool) -> Self {
        let request = if keep_alive { AGAIN } else { AGAIN_AND_CLOSE };
        Self { read: Bytes::from([request, rest].concat()), io }
    }

    /// The socket itself.
    pub fn into_inner(self) -> TokioIo<TcpStream> {
        self.io
    }
}

impl Read for Rewind {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
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

impl Write for Rewind {
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
