// Command late does not reach main: an init waits for what a goroutine of another init registers.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/late/dep" // hangs

func main() { println("main was here") }
