//! A client that sends bytes as they are written in the test, and reads answers.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time,
};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Raw(pub(crate) BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, lower-case, each with its line end.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer with its whole body, by `Content-Length` or chunks (trailers are left in
    /// the body's text); `None` at the end of the connection.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        time::timeout(PATIENCE, self.read())
            .await
            .expect("an answer in time")
    }

    async fn read(&mut self) -> Option<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let head = head.to_lowercase();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut answer = Answer {
            status,
            head,
            body: String::new(),
        };
        let length = answer.header("content-length").map(|l| l.parse().unwrap());
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks().await?;
        } else if let Some(length) = length.filter(|_| status != 304) {
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            answer.body = String::from_utf8(body).unwrap();
        }
        Some(answer)
    }

    async fn chunks(&mut self) -> Option<String> {
        let mut body = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.ok()?;
            // Empty at the end of a connection that breaks off.
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).await.ok()?;
            body += std::str::from_utf8(&chunk[..size]).unwrap();
        }
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.ok()?;
            if line == "\r\n" {
                return Some(body);
            }
            body += &line;
        }
    }

    /// Whether the other side closes within a short time, without sending anything more.
    pub(crate) async fn closes(&mut self) -> bool {
        let mut byte = [0];
        let read = time::timeout(Duration::from_secs(3), self.0.read(&mut byte)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut raw = Raw::connect(address).await;
    raw.send(request).await;
    raw.answer().await.expect("an answer")
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: a.example\r\n\r\n"),
    )
    .await
}
