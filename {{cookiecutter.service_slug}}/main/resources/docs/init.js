// A file of its own, since the page's policy allows no script within the page.
const ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null, // ask nobody on the Internet
  onComplete: () => {
    document.title = ui.specSelectors.info().get("title");
  },
});
