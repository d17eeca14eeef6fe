//! The operating system: every unsafe block and raw system call.
