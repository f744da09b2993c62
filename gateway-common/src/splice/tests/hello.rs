//! Hellos of any length, cut into records.

fn block(out: &mut Vec<u8>, kind: u16, data: &[u8]) {
    out.extend(kind.to_be_bytes());
    out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    out.extend(data);
}

/// A hello for `name`, with padding so that its message has about `length` bytes; in records of at
/// most `record` bytes.
pub(super) fn hello(name: Option<&str>, length: usize, record: usize) -> Vec<u8> {
    let mut extensions = Vec::new();
    block(&mut extensions, 0x2a2a, &[]);
    // The name may be in any segment.
    let padding = vec![9; length.saturating_sub(100)];
    let (before, after) = padding.split_at(padding.len() / 3);
    block(&mut extensions, 51, before);
    if let Some(name) = name {
        let mut list = u16::try_from(name.len() + 3)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        block(&mut list, 0, name.as_bytes());
        // An entry has one byte for its kind.
        list.remove(2);
        block(&mut extensions, 0, &list);
    }
    block(&mut extensions, 21, after);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    let mut out = Vec::new();
    for fragment in message.chunks(record) {
        out.extend([22, 3, 1]);
        out.extend(u16::try_from(fragment.len()).unwrap().to_be_bytes());
        out.extend(fragment);
    }
    out
}

#[test]
fn hellos_are_what_they_are_meant_to_be() {
    use crate::client_hello::server_name;
    for (length, record) in [(150, 16_000), (150, 10), (16_000, 16_000), (5_000, 100)] {
        let bytes = hello(Some("a.Example"), length, record);
        let name = server_name(&bytes).unwrap().unwrap();
        assert_eq!(name.as_str(), "a.example");
        assert_eq!(server_name(&hello(None, length, record)), Ok(None));
    }
}
