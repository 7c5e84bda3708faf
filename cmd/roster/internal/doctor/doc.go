// Package doctor finds out why a Go program does not reach main.
//
// [Run] starts a program and looks at it, [Look] looks at a process that runs, [ReadDump] reads a
// goroutine dump that somebody made. Each gives a [Report], which names the package, the init, its
// line, what it waits for, and what usually helps.
//
// # Ways to look
//
// The live view reads the memory of the process through /proc: the state of each package's init
// task, which the linker lists under a symbol, and the stack of goroutine 1, whose layout the
// program's debug information tells. It ends nothing, and needs Linux and a program that is not
// stripped. The dump is what the runtime writes at SIGQUIT, or at SIGABRT if the program takes
// SIGQUIT for itself. It works for every program, and ends it. The kernel's view (/proc/PID/syscall,
// fd, net, locks) adds addresses, paths and child processes to both.
//
// # Limits
//
// Of what a program writes to standard error 8 MiB of a dump are kept. Of a dump from a file
// 64 MiB are read.
//
// # Concurrency properties
//
// Run is called once at a time in a process: on Linux the process becomes the reaper of its
// descendants, and all that are left at the end, and were not there before, are ended.
package doctor
