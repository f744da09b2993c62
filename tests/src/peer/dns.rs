//! As much of DNS (RFC 1035) as one TXT question and its answer need.

const HEADER: usize = 12;
const TXT: [u8; 2] = [0, 16];
const CLASS_IN: [u8; 2] = [0, 1];
/// QR and AA: an authoritative answer.
const ANSWER: [u8; 2] = [0x84, 0];

/// A query for the TXT records of `name` (labels of at most 63 bytes).
pub(super) fn query(id: u16, name: &str) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend([TXT, CLASS_IN].concat());
    message
}

/// Answers a query with one TXT record of at most 255 bytes. `None` if it is no query.
pub(super) fn answer(query: &[u8], text: &str) -> Option<Vec<u8>> {
    let end = question_end(query)?;
    let length = u8::try_from(text.len()).ok()?;
    let mut message = query.get(..2)?.to_vec();
    message.extend(ANSWER);
    message.extend([0, 1, 0, 1, 0, 0, 0, 0]);
    message.extend(query.get(HEADER..end)?);
    // The name: a pointer to the question's (section 4.1.4). TTL 0.
    message.extend([0xc0, 12]);
    message.extend([TXT, CLASS_IN].concat());
    message.extend([0; 4]);
    message.extend((u16::from(length) + 1).to_be_bytes());
    message.push(length);
    message.extend(text.as_bytes());
    Some(message)
}

/// The text of an answer to the query `id`.
pub(super) fn text(id: u16, answer: &[u8]) -> Option<String> {
    if answer.get(..2)? != id.to_be_bytes() {
        return None;
    }
    // Pointer, type, class, TTL, length of the data, length of the text.
    let at = question_end(answer)? + 2 + 2 + 2 + 4 + 2;
    let length = usize::from(*answer.get(at)?);
    let text = answer.get(at + 1..at + 1 + length)?;
    String::from_utf8(text.to_vec()).ok()
}

fn question_end(message: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        match usize::from(*message.get(at)?) {
            0 => return (at + 5 <= message.len()).then_some(at + 5),
            label => at += 1 + label,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_text_and_the_id_of_its_query() {
        let query = query(4711, "hello.example.com");
        let answer = answer(&query, "dns-1 10.0.0.1:5000").unwrap();
        assert_eq!(text(4711, &answer).unwrap(), "dns-1 10.0.0.1:5000");
        assert_eq!(text(4712, &answer), None);
    }

    #[test]
    fn a_cut_message_is_no_query() {
        let query = query(1, "a.b");
        for length in 0..query.len() {
            assert_eq!(answer(&query[..length], "x"), None, "{length}");
        }
    }
}
