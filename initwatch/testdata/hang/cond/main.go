// Command cond does not reach main: an init waits for a condition.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/cond/dep" // hangs

func main() { println("main was here") }
