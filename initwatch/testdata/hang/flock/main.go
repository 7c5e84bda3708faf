// Command flock does not reach main: an init locks a file a second time.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/flock/dep" // hangs

func main() { println("main was here") }
