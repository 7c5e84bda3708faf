// Command cgocall does not reach main: an init calls C that blocks.
package main

import _ "github.com/roster-go/roster/initwatch/testdata/hang/cgocall/dep" // hangs

func main() { println("main was here") }
