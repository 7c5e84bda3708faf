//go:build !linux

package main

// wild is for the tests of the sandbox, which is for Linux.
func wild() {}
