// Command fifo does not reach main: an init opens a named pipe that nobody writes.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/fifo/dep" // hangs

func main() { println("main was here") }
