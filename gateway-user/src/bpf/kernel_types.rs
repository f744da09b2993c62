//! Where the running kernel keeps the fields of its structures: its own description (BTF).

use anyhow::{Context as _, Result};
use gateway_common::capture::Offsets;

const BTF: &str = "/sys/kernel/btf/vmlinux";
const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
/// Bytes that follow a type of a kind, in all and for each of its `vlen` parts (linux/btf.h).
const TAILS: [(usize, usize); 20] = [
    (0, 0),
    (4, 0),  // INT
    (0, 0),  // PTR
    (12, 0), // ARRAY
    (0, 12), // STRUCT
    (0, 12), // UNION
    (0, 8),  // ENUM
    (0, 0),  // FWD
    (0, 0),  // TYPEDEF
    (0, 0),  // VOLATILE
    (0, 0),  // CONST
    (0, 0),  // RESTRICT
    (0, 0),  // FUNC
    (0, 8),  // FUNC_PROTO
    (4, 0),  // VAR
    (0, 12), // DATASEC
    (0, 0),  // FLOAT
    (4, 0),  // DECL_TAG
    (0, 0),  // TYPE_TAG
    (0, 12), // ENUM64
];

/// Those that programs need to find a packet.
pub(super) fn offsets() -> Result<Offsets> {
    let bytes = std::fs::read(BTF)
        .with_context(|| format!("cannot read {BTF}: the kernel needs CONFIG_DEBUG_INFO_BTF"))?;
    let types = Types::parse(&bytes).with_context(|| format!("{BTF} is of an unknown form"))?;
    let offset = |structure: &str, field: &str| {
        let found = types.offset(structure, field);
        found.with_context(|| format!("this kernel has no field {field} in struct {structure}"))
    };
    Ok(Offsets {
        xdp_data: offset("xdp_buff", "data")?,
        xdp_data_end: offset("xdp_buff", "data_end")?,
        xdp_rxq: offset("xdp_buff", "rxq")?,
        rxq_dev: offset("xdp_rxq_info", "dev")?,
        skb_data: offset("sk_buff", "data")?,
        skb_len: offset("sk_buff", "len")?,
        skb_data_len: offset("sk_buff", "data_len")?,
        skb_dev: offset("sk_buff", "dev")?,
        dev_ifindex: offset("net_device", "ifindex")?,
    })
}

/// Structures and unions by id; other types are `None`.
struct Types<'a> {
    strings: &'a [u8],
    all: Vec<Option<Structure<'a>>>,
}

struct Structure<'a> {
    name: u32,
    union: bool,
    /// Offsets may be those of bit fields.
    bits: bool,
    members: &'a [u8],
}

impl<'a> Types<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        if u16::from_ne_bytes(*bytes.first_chunk()?) != MAGIC {
            return None;
        }
        let header = word(bytes, 4)?;
        let section = |offset: usize| {
            let start = (header + word(bytes, offset)?) as usize;
            bytes.get(start..start + word(bytes, offset + 4)? as usize)
        };
        let (types, strings) = (section(8)?, section(16)?);
        // Type 0 is void.
        let mut all = vec![None];
        let mut rest = types;
        while !rest.is_empty() {
            let (name, info) = (word(rest, 0)?, word(rest, 4)?);
            let kind = info >> 24 & 0x1f;
            let (fixed, each) = *TAILS.get(kind as usize)?;
            let end = 12 + fixed + each * (info & 0xffff) as usize;
            let members = rest.get(12..end)?;
            all.push(matches!(kind, STRUCT | UNION).then_some(Structure {
                name,
                union: kind == UNION,
                bits: info >> 31 == 1,
                members,
            }));
            rest = rest.get(end..)?;
        }
        Some(Self { strings, all })
    }

    /// In bytes, also of a field in a structure without a name within.
    fn offset(&self, structure: &str, field: &str) -> Option<u32> {
        let named = |s: &&Structure<'_>| !s.union && self.name(s.name) == Some(structure);
        let mut all = self.all.iter().flatten();
        let found = all.find(named)?;
        self.within(found, field).map(|bits| bits / 8)
    }

    fn within(&self, structure: &Structure<'_>, field: &str) -> Option<u32> {
        structure.members.chunks_exact(12).find_map(|member| {
            let offset = word(member, 8)?;
            let offset = if structure.bits {
                offset & 0xff_ffff
            } else {
                offset
            };
            match self.name(word(member, 0)?)? {
                "" => {
                    let inner = self.all.get(word(member, 4)? as usize)?.as_ref()?;
                    Some(offset + self.within(inner, field)?)
                }
                name => (name == field).then_some(offset),
            }
        })
    }

    fn name(&self, at: u32) -> Option<&'a str> {
        let rest = self.strings.get(at as usize..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_running_kernel_are_found() {
        let found = offsets().expect("the kernel describes itself");
        // These have been where they are for many years.
        assert_eq!((found.xdp_data, found.xdp_data_end), (0, 8));
        assert!(
            found.skb_len > 0 && found.skb_data > found.skb_len,
            "{found:?}"
        );
        assert_eq!(found.skb_data_len, found.skb_len + 4);
        assert!(found.dev_ifindex > 0 && found.skb_dev > 0, "{found:?}");
    }

    #[test]
    fn what_is_no_description_is_refused() {
        assert!(Types::parse(b"").is_none());
        assert!(Types::parse(&[0; 64]).is_none());
        let mut cut = MAGIC.to_ne_bytes().to_vec();
        cut.extend([1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0]);
        assert!(Types::parse(&cut).is_none());
    }
}
