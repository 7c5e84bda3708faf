// Command etcdmember is etcd, as the tests of this module run it: it takes etcd's flags,
// and it ends when its standard input does. A member therefore never outlives the test
// that holds the other end, however that test ends.
//
// # Concurrency properties
//
// One goroutine waits for the end of standard input and then ends the process without
// any cleaning up, as a crash does. Everything else is etcd's own.
package main

import (
	"fmt"
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Fprintln(os.Stderr, "etcdmember: standard input has ended, and so does this process")
		os.Exit(1)
	}()
	etcdmain.Main(os.Args)
}
