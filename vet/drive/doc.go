// Package drive runs the analyzers of package vet over a program and reports what they find. It is all of
// the command roster-vet, and of roster vet.
//
// It has go vet do the work, with the running program as its vettool: packages are analysed side by side,
// and what was analysed once comes from go's build cache as long as neither the package nor the analyzers
// change. The program that calls [Main] therefore has to start with
//
//	if drive.IsUnit(os.Args[1:]) {
//		drive.Unit()
//	}
//
// # Exit codes
//
//	0  nothing was found, or nothing that is not in the baseline
//	1  something was found; with -fix, something is left
//	2  arguments that cannot be used, or packages that cannot be loaded
//
// # Baseline
//
// A baseline holds the findings of old code, one a line: analyzer, file and message, without line numbers,
// so that it survives edits elsewhere in the file. A finding that is there twice has two lines. Findings in
// it are not reported; lines of it that are not found any more are counted on standard error.
//
// # Fixes
//
// -fix applies the first fix of each finding that has one and is not in the baseline. It changes the lines
// of the fix alone, unless the file was formatted by gofmt before: then it is so afterwards. A file that
// would not parse any more is left as it is. It then looks again, and reports what is left.
package drive
