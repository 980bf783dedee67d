// Package deploy checks what is in the folder deploy, as far as that can be
// done without a cloud and without a container engine:
//
//   - the Dockerfile: its own build line, run on what its COPY lines and
//     .dockerignore let through, gives a static file that runs as a stranger
//     in an empty root (dockerfile_test.go);
//   - job.yaml is a Job of Cloud Run's API, and the program accepts its
//     variables (job_test.go);
//   - the Terraform module is formatted, valid, and plans what it should, as
//     OpenTofu sees it with a stand-in for Google's provider that knows the
//     arguments its documentation names, and does nothing (terraform_test.go);
//   - the dbt package's YAML has the keys that dbt knows, its Jinja renders,
//     and it becomes the SQL of the views (package dbt).
//
// It has a module of its own, so that its dependencies are not ours.
package deploy
