// Command sqlhost runs one query with a driver of database/sql. It imports none: which
// drivers it has is decided where it is built, with roster build.
//
//	sqlhost                      list the drivers
//	sqlhost DRIVER SOURCE QUERY  print the first value of each row
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sqlhost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 3 {
		return printLine(out, strings.TrimSpace("drivers: "+strings.Join(sql.Drivers(), " ")))
	}
	db, err := sql.Open(args[0], args[1])
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer db.Close()                           //nolint:errcheck // it was only read
	rows, err := db.QueryContext(ctx, args[2]) //nolint:gosec // whoever runs the program gives the query
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err says what went wrong
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		if err := printLine(out, value); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	return nil
}

func printLine(out io.Writer, line string) error {
	if _, err := fmt.Fprintln(out, line); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
