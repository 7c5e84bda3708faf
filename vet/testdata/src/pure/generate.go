//go:build ignore

// A program to run by hand, which is not of the package.
package main

func main() {}
