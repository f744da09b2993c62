//! A backend that reads by the letter of RFC 9112 and keeps what it read.

use std::{
    io::{Error, Result},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A whole request: its first line, and its body without framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) line: String,
    pub(super) body: String,
}

pub(super) struct Backend {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Backend {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Message>>> = Arc::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Messages that end early are what some tests are about.
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, seen }
    }

    /// What came since the last time.
    pub(super) fn take(&self) -> Vec<Message> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *seen)
    }
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Vec<Message>>>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let message = read(&mut stream).await?;
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer).await?;
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Message> {
    let first = line(stream).await?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(stream).await?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            assert!(length.is_none(), "two lengths");
            length = Some(value.parse::<usize>().expect(value));
        } else if let Some(value) = header.strip_prefix("transfer-encoding: ") {
            assert!(!chunked && value == "chunked", "{value}");
            chunked = true;
        }
    }
    assert!(!chunked || length.is_none(), "both framings");
    let body = match chunked {
        true => chunks(stream).await?,
        false => bytes(stream, length.unwrap_or(0)).await?,
    };
    Ok(Message { line: first, body })
}

async fn chunks(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut body = String::new();
    loop {
        let size = line(stream).await?;
        let size = usize::from_str_radix(&size, 16).expect(&size);
        if size == 0 {
            while !line(stream).await?.is_empty() {}
            return Ok(body);
        }
        body += &bytes(stream, size).await?;
        assert_eq!(line(stream).await?, "", "behind a chunk");
    }
}

async fn bytes(stream: &mut BufReader<TcpStream>, count: usize) -> Result<String> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8(bytes).expect("text"))
}

/// A line without its end, which is CR LF and nothing else.
async fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if !line.ends_with('\n') {
        return Err(Error::other("ended within a line"));
    }
    let line = line
        .strip_suffix("\r\n")
        .expect("a line that ends in CR LF");
    assert!(!line.contains(['\r', '\0']), "{line:?}");
    Ok(line.to_owned())
}
