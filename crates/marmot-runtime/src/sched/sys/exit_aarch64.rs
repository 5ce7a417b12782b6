//! The definition of `exit` for aarch64: see [`super::exit`].

use std::arch::global_asm;

global_asm!(
    ".weak exit",
    ".type exit,%function",
    "exit:",
    "b {}",
    ".size exit, . - exit",
    sym super::exit::exit_on_a_thread
);
