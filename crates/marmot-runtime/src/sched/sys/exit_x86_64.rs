//! The definition of `exit` for x86-64: see [`super::exit`].

use std::arch::global_asm;

global_asm!(
    ".weak exit",
    ".type exit,@function",
    "exit:",
    "jmp {}",
    ".size exit, . - exit",
    sym super::exit::exit_on_a_thread
);
