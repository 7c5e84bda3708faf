//go:build watch

package main

import _ "github.com/roster-go/roster/initwatch" // names the init that hangs
