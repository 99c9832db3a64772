"""What stands on each page: a module a page, each with `render(page)`."""
