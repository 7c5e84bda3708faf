// Command pipe does not reach main: an init reads a pipe that nobody writes.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/pipe/dep" // hangs

func main() { println("main was here") }
