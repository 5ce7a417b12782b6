//! The program's allocator, which takes samples of what it allocates: see [`marmot::pprof::alloc`].

use marmot::pprof::alloc::Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();
