//! What comes out, and when nothing more does.

use super::*;

fn next(copy: &Copy) -> Option<Result<Bytes, String>> {
    match copy.poll_frame(&Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(None) => Some(Ok(Bytes::new())),
        Poll::Ready(Some(Ok(frame))) => Some(Ok(frame.into_data().expect("data"))),
        Poll::Ready(Some(Err(error))) => Some(Err(error.to_string())),
    }
}

#[test]
fn what_is_put_in_comes_out_in_order() {
    let (feed, copy) = copy(SizeHint::with_exact(4));
    assert_eq!(next(&copy), None);
    feed.put(&Frame::data(Bytes::from("ab")));
    feed.put(&Frame::data(Bytes::from("cd")));
    feed.end(true);
    drop(feed);
    assert!(!copy.is_end_stream());
    assert_eq!(next(&copy), Some(Ok(Bytes::from("ab"))));
    assert_eq!(next(&copy), Some(Ok(Bytes::from("cd"))));
    assert!(copy.is_end_stream());
    assert_eq!(next(&copy), Some(Ok(Bytes::new())));
}

#[test]
fn a_body_that_breaks_off_does_not_look_whole() {
    let (feed, copy) = copy(SizeHint::default());
    feed.put(&Frame::data(Bytes::from("ab")));
    drop(feed);
    assert!(matches!(next(&copy), Some(Err(_))));
}

#[test]
fn a_reader_that_is_too_far_behind_gets_nothing_more_and_costs_nothing_more() {
    let (feed, copy) = copy(SizeHint::default());
    let piece = Frame::data(Bytes::from(vec![0; WAITING / 4]));
    for _ in 0..4 {
        feed.put(&piece);
    }
    assert!(matches!(next(&copy), Some(Ok(data)) if data.len() == WAITING / 4));
    feed.put(&piece);
    feed.put(&piece);
    feed.put(&piece);
    feed.end(true);
    assert!(matches!(next(&copy), Some(Err(_))));
    assert!(copy.state.borrow().waiting.is_empty());
}
