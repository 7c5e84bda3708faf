// Command mutex does not reach main: Register is called while its own lock is held.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/mutex/dep" // hangs

func main() { println("main was here") }
