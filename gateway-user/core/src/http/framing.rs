//! Watches the bytes of an HTTP/1 connection for requests with two framings at once.
//!
//! The HTTP parser lets `Transfer-Encoding` win and drops `Content-Length` before anyone can
//! look. RFC 9112 section 6.3 allows that, but such a request is a smuggling attempt or a
//! broken client, so it is refused. This follows message boundaries just far enough to tell
//! which request of the connection it is; what it cannot follow, the parser refuses anyway.

/// Longest part of a line kept between two reads: enough for the headers of interest. Longer
/// lines are not theirs.
const KEPT: usize = 128;

/// Feed it every byte that the parser reads, in order.
#[derive(Debug, Default)]
pub struct Framing {
    state: State,
    line: Vec<u8>,
    /// Heads seen completely.
    heads: u64,
    ambiguous: Option<u64>,
    started: bool,
    chunked: bool,
    length: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    /// Bytes left of a body with a length.
    Body(u64),
    ChunkSize,
    /// Bytes left of a chunk, its line end included in `ChunkEnd`.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Malformed: the parser will refuse it too.
    Lost,
}

impl Framing {
    /// Position of the first request with both framings, counted from 0 on this connection.
    pub fn ambiguous(&self) -> Option<u64> {
        self.ambiguous
    }

    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Lost => return,
                State::Body(left) => self.skip(bytes, left, State::Body, State::Head),
                State::Chunk(left) => self.skip(bytes, left, State::Chunk, State::ChunkEnd),
                State::Head | State::ChunkSize | State::ChunkEnd | State::Trailers => {
                    self.take_line(bytes)
                }
            };
        }
    }

    fn skip<'b>(
        &mut self,
        bytes: &'b [u8],
        left: u64,
        unfinished: fn(u64) -> State,
        finished: State,
    ) -> &'b [u8] {
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - count as u64;
        self.state = if left == 0 {
            finished
        } else {
            unfinished(left)
        };
        &bytes[count..]
    }

    fn take_line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(bytes);
            return &[];
        };
        let (part, rest) = (&bytes[..end], &bytes[end + 1..]);
        if self.line.is_empty() {
            self.end_line(part);
        } else {
            self.keep(part);
            let mut line = std::mem::take(&mut self.line);
            self.end_line(&line);
            line.clear();
            self.line = line;
        }
        rest
    }

    /// Keeps the start of a line whose end has not arrived.
    fn keep(&mut self, part: &[u8]) {
        let room = KEPT.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.state = match self.state {
            State::Head => return self.head_line(line),
            State::ChunkSize => match chunk_size(line) {
                Some(0) => State::Trailers,
                Some(size) => State::Chunk(size),
                None => State::Lost,
            },
            State::ChunkEnd if line.is_empty() => State::ChunkSize,
            State::Trailers if line.is_empty() => State::Head,
            State::Trailers => State::Trailers,
            State::ChunkEnd | State::Body(_) | State::Chunk(_) | State::Lost => State::Lost,
        };
    }

    fn head_line(&mut self, line: &[u8]) {
        if !line.is_empty() {
            // The first line of a head is the request line; empty lines before it do not count.
            if std::mem::replace(&mut self.started, true) {
                self.header(line);
            }
        } else if std::mem::take(&mut self.started) {
            self.end_head();
        }
    }

    fn header(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else {
            return;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = std::str::from_utf8(value).ok();
            self.length = Some(digits.and_then(|d| d.parse().ok()).unwrap_or(0));
        }
    }

    fn end_head(&mut self) {
        let (chunked, length) = (std::mem::take(&mut self.chunked), self.length.take());
        if chunked && length.is_some() {
            self.ambiguous.get_or_insert(self.heads);
        }
        self.heads += 1;
        self.state = match (chunked, length) {
            (true, _) => State::ChunkSize,
            (false, None | Some(0)) => State::Head,
            (false, Some(length)) => State::Body(length),
        };
    }
}

/// The hexadecimal number that a chunk's first line begins with.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit());
    let digits = &line[..end.unwrap_or(line.len())];
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests;
