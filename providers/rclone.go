package providers

import "github.com/roster-go/roster"

const rclone = "github.com/rclone/rclone/"

// RcloneBackends has the storage systems of rclone that are in wide use: the
// types of a remote. The package backend/all imports all that there are.
func RcloneBackends() roster.Catalogue { return rcloneBackends.catalogue() }

var rcloneBackends = listing{
	name:     "rclone-backends",
	title:    "rclone backends",
	owner:    rclone + "fs",
	register: []string{registerFunc},
	rows: []row{
		{"alias", rclone + "backend/alias", ""},
		{"azureblob", rclone + "backend/azureblob", ""},
		{"b2", rclone + "backend/b2", ""},
		{"box", rclone + "backend/box", ""},
		{"chunker", rclone + "backend/chunker", ""},
		{"combine", rclone + "backend/combine", ""},
		{"compress", rclone + "backend/compress", "experimental"},
		{"crypt", rclone + "backend/crypt", ""},
		{"drive", rclone + "backend/drive", "Google Drive"},
		{"dropbox", rclone + "backend/dropbox", ""},
		{"ftp", rclone + "backend/ftp", ""},
		{"google cloud storage", rclone + "backend/googlecloudstorage", ""},
		{"hasher", rclone + "backend/hasher", ""},
		{"http", rclone + "backend/http", "reads only"},
		{"local", rclone + "backend/local", ""},
		{"memory", rclone + "backend/memory", forTests},
		{"onedrive", rclone + "backend/onedrive", ""},
		{"pcloud", rclone + "backend/pcloud", ""},
		{"s3", rclone + "backend/s3", "also what speaks its protocol"},
		{"sftp", rclone + "backend/sftp", ""},
		{"smb", rclone + "backend/smb", ""},
		{"swift", rclone + "backend/swift", ""},
		{"union", rclone + "backend/union", ""},
		{"webdav", rclone + "backend/webdav", ""},
	},
}
