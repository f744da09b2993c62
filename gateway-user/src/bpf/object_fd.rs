//! Pinned links, maps and programs through bpf(2) itself: what aya asks of the kernel by id needs
//! `CAP_SYS_ADMIN`, which is nearly root; by file descriptor the capabilities that we need anyway
//! are enough. And what aya opens can always be written to.
#![allow(unsafe_code, reason = "bpf(2) takes pointers")]

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

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

impl ProgramsFd {
    /// The array pinned at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        get(path, 0).map(Self)
    }

    /// Id of the program in a slot; `None` where there is none.
    pub(super) fn id(&self, slot: u32) -> io::Result<Option<u32>> {
        let mut id = 0_u32;
        let attributes = self.element((&raw const slot) as u64, (&raw mut id) as u64);
        // SAFETY: keys and values of such arrays are 32 bits; the kernel writes one value.
        match unsafe { bpf(bpf_cmd::BPF_MAP_LOOKUP_ELEM, &attributes) } {
            Ok(_) => Ok(Some(id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a program into a slot, in place of what is there, between two packets.
    pub(super) fn put(&self, slot: u32, program: BorrowedFd<'_>) -> io::Result<()> {
        let program = program.as_raw_fd();
        let attributes = self.element((&raw const slot) as u64, (&raw const program) as u64);
        // SAFETY: as above; the kernel reads one value.
        unsafe { bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &attributes) }.map(drop)
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
        let attributes = GetInfo {
            fd: self.0.as_raw_fd().cast_unsigned(),
            length: size_of::<Info>() as u32,
            info: (&raw mut info) as u64,
        };
        // SAFETY: the kernel writes at most `length` bytes to `info`, which are plain numbers.
        unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &attributes) }?;
        Ok(info.interface)
    }

    /// Puts another program in place of that of the link, between two packets.
    pub(super) fn update(&self, program: BorrowedFd<'_>) -> io::Result<()> {
        let attributes = Update {
            link: self.0.as_raw_fd().cast_unsigned(),
            program: program.as_raw_fd().cast_unsigned(),
            flags: 0,
            old: 0,
        };
        // SAFETY: no pointer is passed.
        unsafe { bpf(bpf_cmd::BPF_LINK_UPDATE, &attributes) }.map(drop)
    }

    /// Ends it at once, whoever else holds it. Detached already: nothing to do.
    pub(super) fn detach(&self) -> io::Result<()> {
        let fd = self.0.as_raw_fd().cast_unsigned();
        // SAFETY: no pointer is passed.
        unsafe { bpf(bpf_cmd::BPF_LINK_DETACH, &Detach { fd }) }.map(drop)
    }
}

/// The map pinned at `path`, for reading alone: the kernel refuses writes through this descriptor.
pub(super) fn map_to_read(path: &Path) -> io::Result<OwnedFd> {
    get(path, BPF_F_RDONLY)
}

/// The program pinned at `path`.
pub(super) fn program(path: &Path) -> io::Result<OwnedFd> {
    get(path, 0)
}

/// What is pinned at `path`.
fn get(path: &Path, flags: u32) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = ObjGet {
        path: path.as_ptr() as u64,
        fd: 0,
        flags,
    };
    // SAFETY: the path is a string that ends with 0 and lives until the call is over.
    let fd = unsafe { bpf(bpf_cmd::BPF_OBJ_GET, &attributes) }?;
    // SAFETY: the kernel just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// bpf(2); what the command returns.
///
/// # Safety
/// `A` is what the command takes, or a beginning of it, without padding; its pointers are valid.
unsafe fn bpf<A>(command: bpf_cmd, attributes: &A) -> io::Result<i32> {
    // SAFETY: as the caller promises.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            &raw const *attributes,
            size_of::<A>(),
        )
    };
    match i32::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}
