//! Pinned links, maps and programs through bpf(2) itself: what aya asks of the kernel by id needs
//! `CAP_SYS_ADMIN`, which is nearly root; by file descriptor the capabilities that we need anyway
//! are enough. And what aya opens can always be written to.
#![allow(unsafe_code, reason = "bpf(2) takes pointers")]

use std::{
    ffi::CString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use aya::Pod;
use aya_obj::generated::{BPF_F_RDONLY, bpf_cmd};

/// An open link.
pub(super) struct LinkFd(OwnedFd);

/// An open array of programs that others go on with.
pub(super) struct ProgramsFd(OwnedFd);

/// The beginning of `bpf_link_info` (bpf.h), as it is for links of XDP and tcx.
#[derive(Default)]
#[repr(C)]
struct Info {
    kind: u32,
    id: u32,
    program: u32,
    pad: u32,
    interface: u32,
    attach_type: u32,
}

/// Attributes of `BPF_OBJ_GET` (bpf.h).
#[repr(C)]
struct ObjGet {
    path: u64,
    fd: u32,
    flags: u32,
}

/// Attributes of `BPF_OBJ_GET_INFO_BY_FD` (bpf.h).
#[repr(C)]
struct GetInfo {
    fd: u32,
    length: u32,
    info: u64,
}

/// Attributes of `BPF_LINK_DETACH` (bpf.h).
#[repr(C)]
struct Detach {
    fd: u32,
}

/// Attributes of `BPF_LINK_UPDATE` (bpf.h).
#[repr(C)]
struct Update {
    link: u32,
    program: u32,
    flags: u32,
    old: u32,
}

/// Attributes of `BPF_MAP_LOOKUP_ELEM` and `BPF_MAP_UPDATE_ELEM` (bpf.h).
#[repr(C)]
struct Element {
    map: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Attributes of `BPF_MAP_LOOKUP_BATCH` (bpf.h).
#[repr(C)]
struct Batch {
    from: u64,
    next: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

impl ProgramsFd {
    /// The array pinned at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        get(path, 0).map(Self)
    }

    /// Id of the program in a slot; `None` where there is none.
    pub(super) fn id(&self, slot: u32) -> io::Result<Option<u32>> {
        let mut id = 0_u32;
        let mut attributes = self.element((&raw const slot) as u64, (&raw mut id) as u64);
        // SAFETY: keys and values of such arrays are 32 bits; the kernel writes one value.
        match unsafe { bpf(bpf_cmd::BPF_MAP_LOOKUP_ELEM, &mut attributes) } {
            Ok(_) => Ok(Some(id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a program into a slot, in place of what is there, between two packets.
    pub(super) fn put(&self, slot: u32, program: BorrowedFd<'_>) -> io::Result<()> {
        let program = program.as_raw_fd();
        let mut attributes = self.element((&raw const slot) as u64, (&raw const program) as u64);
        // SAFETY: as above; the kernel reads one value.
        unsafe { bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attributes) }.map(drop)
    }

    fn element(&self, key: u64, value: u64) -> Element {
        Element {
            map: self.0.as_raw_fd().cast_unsigned(),
            pad: 0,
            key,
            value,
            flags: 0,
        }
    }
}

impl LinkFd {
    /// The link pinned at `path`; `None` where nothing is.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        match get(path, 0) {
            Ok(fd) => Ok(Some(Self(fd))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Index of the interface of an XDP or tcx link; 0 once that is gone.
    pub(super) fn interface(&self) -> io::Result<u32> {
        let mut info = Info::default();
        let mut attributes = GetInfo {
            fd: self.0.as_raw_fd().cast_unsigned(),
            length: size_of::<Info>() as u32,
            info: (&raw mut info) as u64,
        };
        // SAFETY: the kernel writes at most `length` bytes to `info`, which are plain numbers.
        unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
        Ok(info.interface)
    }

    /// Puts another program in place of that of the link, between two packets.
    pub(super) fn update(&self, program: BorrowedFd<'_>) -> io::Result<()> {
        let mut attributes = Update {
            link: self.0.as_raw_fd().cast_unsigned(),
            program: program.as_raw_fd().cast_unsigned(),
            flags: 0,
            old: 0,
        };
        // SAFETY: no pointer is passed.
        unsafe { bpf(bpf_cmd::BPF_LINK_UPDATE, &mut attributes) }.map(drop)
    }

    /// Ends it at once, whoever else holds it. Detached already: nothing to do.
    pub(super) fn detach(&self) -> io::Result<()> {
        let fd = self.0.as_raw_fd().cast_unsigned();
        // SAFETY: no pointer is passed.
        unsafe { bpf(bpf_cmd::BPF_LINK_DETACH, &mut Detach { fd }) }.map(drop)
    }
}

/// The map pinned at `path`. `read_only`: the kernel refuses writes through this descriptor.
pub(super) fn map(path: &Path, read_only: bool) -> io::Result<OwnedFd> {
    get(path, if read_only { BPF_F_RDONLY } else { 0 })
}

/// Entries of whole buckets of a hash, as many as there is room for (kernel commit 057996380a42), from
/// the bucket on that `place` stands for, `None` being the first. How many there are, and where to go on;
/// `None`: that was the last bucket.
///
/// # Errors
/// Also where a bucket has more than there is room for.
///
/// # Safety
/// `K` and `V` are what the map has.
pub(super) unsafe fn read_batch<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    place: Option<u32>,
    keys: &mut [MaybeUninit<K>],
    values: &mut [MaybeUninit<V>],
) -> io::Result<(usize, Option<u32>)> {
    let mut next = 0_u32;
    let from = place.as_ref().map_or(0, |place| (&raw const *place) as u64);
    let mut attributes = Batch {
        from,
        next: (&raw mut next) as u64,
        keys: keys.as_mut_ptr() as u64,
        values: values.as_mut_ptr() as u64,
        count: keys.len().min(values.len()) as u32,
        map: map.as_raw_fd().cast_unsigned(),
        element_flags: 0,
        flags: 0,
    };
    // SAFETY: the kernel writes at most `count` keys and values, whose sizes the caller vouches for.
    let next = match unsafe { bpf(bpf_cmd::BPF_MAP_LOOKUP_BATCH, &mut attributes) } {
        Ok(_) => Some(next),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok((attributes.count as usize, next))
}

/// The program pinned at `path`.
pub(super) fn program(path: &Path) -> io::Result<OwnedFd> {
    get(path, 0)
}

/// What is pinned at `path`.
fn get(path: &Path, flags: u32) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attributes = ObjGet {
        path: path.as_ptr() as u64,
        fd: 0,
        flags,
    };
    // SAFETY: the path is a string that ends with 0 and lives until the call is over.
    let fd = unsafe { bpf(bpf_cmd::BPF_OBJ_GET, &mut attributes) }?;
    // SAFETY: the kernel just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// bpf(2); what the command returns.
///
/// # Safety
/// `A` is what the command takes and may write to, or a beginning of it, without padding; its pointers
/// are valid.
unsafe fn bpf<A>(command: bpf_cmd, attributes: &mut A) -> io::Result<i32> {
    // SAFETY: as the caller promises.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            &raw mut *attributes,
            size_of::<A>(),
        )
    };
    match i32::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}
