package main

import "gocloud.dev/runtimevar"

func registered([]string) []string {
	return runtimevar.DefaultURLMux().VariableSchemes()
}
