//! Programs that run before or after another BPF program, through bpf(2) itself: aya attaches such
//! to functions of the kernel only.
#![allow(unsafe_code, reason = "bpf(2) takes pointers")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result, bail};
use aya_obj::generated::{bpf_attach_type, bpf_cmd, bpf_insn, bpf_prog_info, bpf_prog_type};

use super::object_fd::bpf;

/// Bytes of what the verifier says; it keeps the end.
const LOG: usize = 64 << 10;

/// When a tracing program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// Attributes of `BPF_PROG_LOAD` (bpf.h), as far as they are needed.
#[derive(Default)]
#[repr(C)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
    btf: u32,
    func_info_size: u32,
    func_info: u64,
    func_info_count: u32,
    line_info_size: u32,
    line_info: u64,
    line_info_count: u32,
    attach_btf_id: u32,
    attach_program: u32,
    pad: u32,
}

/// Attributes of `BPF_OBJ_GET_INFO_BY_FD` (bpf.h).
#[repr(C)]
struct GetInfo {
    fd: u32,
    length: u32,
    info: u64,
}

/// Attributes of `BPF_RAW_TRACEPOINT_OPEN` (bpf.h).
#[repr(C)]
struct Open {
    name: u64,
    program: u32,
    pad: u32,
}

/// Loads a program that shall run before or after `target`.
pub(super) fn load(
    instructions: &[bpf_insn],
    name: &str,
    license: &CStr,
    when: When,
    target: BorrowedFd<'_>,
) -> Result<OwnedFd> {
    let mut log = vec![0_u8; LOG];
    let attach_type = match when {
        When::Before => bpf_attach_type::BPF_TRACE_FENTRY,
        When::After => bpf_attach_type::BPF_TRACE_FEXIT,
    };
    let mut attributes = Load {
        kind: bpf_prog_type::BPF_PROG_TYPE_TRACING as u32,
        instruction_count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 1,
        log_size: LOG as u32,
        log: log.as_mut_ptr() as u64,
        attach_type: attach_type as u32,
        attach_btf_id: main_function(target)?,
        attach_program: target.as_raw_fd().cast_unsigned(),
        ..Load::default()
    };
    let bytes = name.bytes().take(attributes.name.len() - 1);
    attributes
        .name
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    // SAFETY: all pointers are of slices and strings that live until the call is over.
    match unsafe { bpf(bpf_cmd::BPF_PROG_LOAD, &attributes) } {
        // SAFETY: the kernel just made this descriptor for us, and nobody else has it.
        Ok(fd) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        Err(error) => {
            let said = log.split(|byte| *byte == 0).next().unwrap_or_default();
            let said = String::from_utf8_lossy(said);
            let end: Vec<&str> = said.lines().rev().take(3).collect();
            bail!(
                "the kernel refused the BPF program {name}: {error} ({})",
                end.join("; ")
            )
        }
    }
}

/// Attaches a loaded program, until the descriptor is closed.
pub(super) fn attach(program: &OwnedFd) -> io::Result<OwnedFd> {
    let attributes = Open {
        name: 0,
        program: program.as_raw_fd().cast_unsigned(),
        pad: 0,
    };
    // SAFETY: no pointer is passed.
    let fd = unsafe { bpf(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &attributes) }?;
    // SAFETY: the kernel just made this descriptor for us, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Id of the program's main function among its own types.
fn main_function(program: BorrowedFd<'_>) -> Result<u32> {
    /// `bpf_func_info` (bpf.h): offset of the first instruction, and id of the type.
    type FuncInfo = [u32; 2];
    let mut first: FuncInfo = [0; 2];
    // SAFETY: plain numbers, all of which may be zero.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    info.nr_func_info = 1;
    info.func_info_rec_size = size_of::<FuncInfo>() as u32;
    info.func_info = (&raw mut first) as u64;
    let attributes = GetInfo {
        fd: program.as_raw_fd().cast_unsigned(),
        length: size_of::<bpf_prog_info>() as u32,
        info: (&raw mut info) as u64,
    };
    // SAFETY: the kernel writes at most `length` bytes to `info`, and one record to `first`.
    unsafe { bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &attributes) }
        .context("cannot read what the kernel knows of the program")?;
    let [_, id] = first;
    if id == 0 {
        bail!("the kernel has no types (BTF) of the program");
    }
    Ok(id)
}
