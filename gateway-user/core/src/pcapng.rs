//! Captured packets as a file that Wireshark and tcpdump read (pcapng,
//! draft-ietf-opsawg-pcapng-03).

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const ETHERNET: u16 = 1;
const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_RESOLUTION: u16 = 9;
/// Times are in units of 10^-9 seconds.
const NANOSECONDS: u8 = 9;

/// One packet of a file.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Position of its interface among those of the file, from 0.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Bytes of the whole packet, of which `bytes` are the first.
    pub length: u32,
    pub bytes: &'a [u8],
    pub comment: &'a str,
}

/// What a file begins with.
pub fn header(application: &str) -> Vec<u8> {
    let mut body = BYTE_ORDER.to_ne_bytes().to_vec();
    body.extend(1_u16.to_ne_bytes());
    body.extend(0_u16.to_ne_bytes());
    // Length of the section: not known.
    body.extend(u64::MAX.to_ne_bytes());
    option(&mut body, SECTION_APPLICATION, application.as_bytes());
    option(&mut body, OPTION_END, &[]);
    block(SECTION, &body)
}

/// Comes before the first packet of the interface.
pub fn interface(name: &str, snap: u32) -> Vec<u8> {
    let mut body = ETHERNET.to_ne_bytes().to_vec();
    body.extend(0_u16.to_ne_bytes());
    body.extend(snap.to_ne_bytes());
    option(&mut body, INTERFACE_NAME, name.as_bytes());
    option(&mut body, INTERFACE_RESOLUTION, &[NANOSECONDS]);
    option(&mut body, OPTION_END, &[]);
    block(INTERFACE, &body)
}

pub fn packet(of: &Packet<'_>) -> Vec<u8> {
    let mut body = of.interface.to_ne_bytes().to_vec();
    body.extend(((of.time >> 32) as u32).to_ne_bytes());
    body.extend((of.time as u32).to_ne_bytes());
    body.extend((of.bytes.len() as u32).to_ne_bytes());
    body.extend(of.length.to_ne_bytes());
    padded(&mut body, of.bytes);
    option(&mut body, OPTION_COMMENT, of.comment.as_bytes());
    option(&mut body, OPTION_END, &[]);
    block(PACKET, &body)
}

/// Its length is at both ends, so that readers can go backwards.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 12) as u32;
    let mut block = kind.to_ne_bytes().to_vec();
    block.extend(length.to_ne_bytes());
    block.extend(body);
    block.extend(length.to_ne_bytes());
    block
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_ne_bytes());
    body.extend((value.len() as u16).to_ne_bytes());
    padded(body, value);
}

fn padded(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(bytes);
    body.resize(body.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and body of each block; panics where the lengths do not lead from one to the next.
    fn blocks(mut file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let word = |bytes: &[u8]| u32::from_ne_bytes(bytes[..4].try_into().expect("four bytes"));
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let length = word(&file[4..]) as usize;
            assert_eq!(length % 4, 0);
            assert_eq!(word(&file[length - 4..]) as usize, length);
            blocks.push((word(file), file[8..length - 4].to_vec()));
            file = &file[length..];
        }
        blocks
    }

    #[test]
    fn blocks_are_whole_and_aligned() {
        let mut file = header("xdp-gateway");
        file.extend(interface("eth0", 256));
        let time = (5 << 32) + 7;
        let of = Packet {
            interface: 0,
            time,
            length: 60,
            bytes: &[1, 2, 3, 4, 5],
            comment: "after",
        };
        file.extend(packet(&of));
        let blocks = blocks(&file);
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [SECTION, INTERFACE, PACKET]);
        let body: Vec<u8> = [0_u32, 5, 7, 5, 60]
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect();
        let (_, shown) = &blocks[2];
        assert_eq!(shown[..20], body);
        assert_eq!(shown[20..28], [1, 2, 3, 4, 5, 0, 0, 0]);
        assert_eq!(shown[32..37], *b"after");
    }
}
