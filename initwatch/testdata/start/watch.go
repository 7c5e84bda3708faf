//go:build watch

package main

import _ "github.com/roster-go/roster/initwatch" // what is measured
