//! WebSocket conversations (RFC 6455) between a client and a server that know nothing of the proxy.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    time,
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, client_async,
    tungstenite::{
        Message,
        error::{Error, ProtocolError},
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use crate::bed::Bed;

const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<TcpStream>;

/// Both ends of a conversation through a proxy.
struct Pair {
    client: Socket,
    server: Socket,
    bed: Bed,
}

impl Pair {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bed = Bed::to(listener.local_addr().unwrap());
        let server = async {
            let (stream, _) = listener.accept().await.unwrap();
            accept_async(stream).await.unwrap()
        };
        let client = async {
            let stream = TcpStream::connect(bed.address).await.unwrap();
            client_async("ws://a/chat", stream).await.unwrap()
        };
        // Both handshakes check what the other side says.
        let (server, (client, answer)) = in_time(async { tokio::join!(server, client) }).await;
        assert_eq!(answer.status(), 101);
        Self {
            client,
            server,
            bed,
        }
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    time::timeout(PATIENCE, what).await.expect("in time")
}

/// What the other end says next.
async fn next(socket: &mut Socket) -> Message {
    in_time(socket.next()).await.expect("open").expect("sound")
}

/// The end of a conversation that nobody has closed.
async fn breaks(socket: &mut Socket) {
    match in_time(socket.next()).await {
        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_))) => {}
        other => panic!("{other:?}"),
    }
}

fn frame(bytes: &'static str, code: Data, last: bool) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(code), last))
}

#[tokio::test]
async fn fragments_arrive_with_a_ping_between_them() {
    let Pair {
        mut client,
        mut server,
        bed,
    } = Pair::open().await;
    let fragments = [
        frame("one ", Data::Text, false),
        frame("whole ", Data::Continue, false),
        Message::Ping("there?".into()),
        frame("message", Data::Continue, true),
    ];
    for fragment in fragments {
        in_time(client.send(fragment)).await.unwrap();
    }
    assert_eq!(next(&mut server).await, Message::Ping("there?".into()));
    assert_eq!(next(&mut server).await, Message::text("one whole message"));
    // The library answers pings with the next thing that it writes.
    in_time(server.send(Message::text("and back")))
        .await
        .unwrap();
    assert_eq!(next(&mut client).await, Message::Pong("there?".into()));
    assert_eq!(next(&mut client).await, Message::text("and back"));
    drop((client, server));
    bed.stop().await;
}

/// Both ends write at once, more than the buffers on the way take.
#[tokio::test]
async fn large_and_many_messages_arrive_in_order_both_ways() {
    const LARGE: usize = 8 << 20;
    const MANY: u32 = 5_000;
    let Pair {
        client,
        server,
        bed,
    } = Pair::open().await;
    let end = |socket: Socket, fill: u8| async move {
        let (mut sink, mut stream) = socket.split();
        let write = async move {
            sink.send(Message::binary(vec![fill; LARGE])).await.unwrap();
            for n in 0..MANY {
                sink.feed(Message::text(n.to_string())).await.unwrap();
            }
            sink.flush().await.unwrap();
            sink
        };
        let read = async move {
            let first = stream.next().await.unwrap().unwrap().into_data();
            assert_eq!(first.len(), LARGE);
            let sent = first[0];
            assert!(first.iter().all(|&byte| byte == sent));
            for n in 0..MANY {
                let message = stream.next().await.unwrap().unwrap();
                assert_eq!(message, Message::text(n.to_string()));
            }
            (sent, stream)
        };
        let (_sink, (sent, _stream)) = tokio::join!(write, read);
        sent
    };
    let sent = in_time(async { tokio::join!(end(client, b'c'), end(server, b's')) }).await;
    assert_eq!(sent, (b's', b'c'));
    bed.stop().await;
}

#[tokio::test]
async fn a_close_is_said_and_answered_with_its_code() {
    let Pair {
        mut client,
        mut server,
        bed,
    } = Pair::open().await;
    let bye = CloseFrame {
        code: CloseCode::Away,
        reason: "moving".into(),
    };
    in_time(server.close(Some(bye.clone()))).await.unwrap();
    assert_eq!(next(&mut client).await, Message::Close(Some(bye.clone())));
    // The client's library answers by itself when it is asked for more, and waits for the server's end.
    let ends = async {
        let answer = server.next().await;
        drop(server);
        answer
    };
    let (client, answer) = in_time(async { tokio::join!(client.next(), ends) }).await;
    assert!(client.is_none(), "{client:?}");
    assert_eq!(answer.unwrap().unwrap(), Message::Close(Some(bye)));
    bed.stop().await;
}

#[tokio::test]
async fn a_client_that_vanishes_is_known_to_the_server() {
    let Pair {
        client,
        mut server,
        bed,
    } = Pair::open().await;
    drop(client);
    breaks(&mut server).await;
    bed.stop().await;
}

#[tokio::test]
async fn a_server_that_resets_is_known_to_the_client() {
    let Pair {
        mut client,
        mut server,
        bed,
    } = Pair::open().await;
    in_time(client.send(Message::text("unread"))).await.unwrap();
    assert_eq!(next(&mut server).await, Message::text("unread"));
    server.get_ref().set_zero_linger().unwrap();
    drop(server);
    breaks(&mut client).await;
    bed.stop().await;
}
